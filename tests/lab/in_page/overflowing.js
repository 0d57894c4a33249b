() => {
    const scrolls = (e) => ['auto', 'scroll', 'hidden', 'clip'].includes(getComputedStyle(e).overflowX);
    const kept = (e) => { for (let p = e.parentElement; p && p !== document.body; p = p.parentElement)
        if (scrolls(p) && p.getBoundingClientRect().right <= innerWidth + 1) return true; return false; };
    const name = (e) => [e.tagName.toLowerCase(), ...e.classList].join('.') + (e.id && '#' + e.id);
    const wide = [...document.body.querySelectorAll('*')].filter((e) => {
        const box = e.getBoundingClientRect();
        return box.width > 0 && box.height > 0 && (box.right > innerWidth + 1 || box.left < -1)
            && !kept(e) && !(e.ownerSVGElement) && getComputedStyle(e).position !== 'absolute';
    }).map(name);
    const sideways = document.documentElement.scrollWidth > innerWidth;
    return sideways ? ['the page scrolls sideways', ...wide] : wide;
}
