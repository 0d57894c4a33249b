set -eu
root=$1
echo $$ > "$2/cgroup.procs"
exec unshare --pid --mount --uts --ipc --cgroup --fork --kill-child sh -euc '
root=$1
mount --make-rprivate /
mount --bind "$root" "$root"
mount -t proc proc "$root/proc"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
mount -t tmpfs -o mode=755 tmpfs "$root/run"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for name in null zero full random urandom tty; do
    touch "$root/dev/$name"
    mount --bind "/dev/$name" "$root/dev/$name"
done
mkdir "$root/dev/pts" "$root/dev/shm" "$root/run/host"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
ln -s pts/ptmx "$root/dev/ptmx"
cd "$root"
pivot_root . run/host
umount -l /run/host
mount --make-rshared /
mount --bind /proc/sys /proc/sys
mount -o remount,bind,ro /proc/sys
touch /run/lab
exec env -i container=lab /lib/systemd/systemd' sh "$root"
