"""Tools for the development of callmon: planted faults, style, the public interface, times, packages."""
