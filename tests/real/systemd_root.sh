#!/bin/sh
# Process 1 of new namespaces: this machine's files under a layer that forgets, and systemd in it.
#
#   systemd_root.sh FOLDER PREFIX PYTHON SITE TREE
#
# FOLDER/etc goes over /etc; FOLDER/pid will hold the process's number as those outside see it.
# PYTHON is the interpreter's path below PREFIX, SITE has its packages and TREE is this project.
# Everything is mounted in the mount namespace alone and ends with it.
set -eu
folder=$1 prefix=$2 python=$3 site=$4 tree=$5

read -r pid _ </proc/self/stat # /proc is still that of those outside
echo "$pid" >"$folder/pid"

mount -t tmpfs tmpfs "$folder/root"
cd "$folder/root"
mkdir upper work new
mount -t overlay -o lowerdir=/,upperdir=upper,workdir=work overlay new
cd new

# What reaches the kernel that all share is read-only; systemd starts no udevd then.
mount -t proc proc proc
mount --bind -o ro proc/sys proc/sys
mount -t sysfs -o ro sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs tmpfs dev
cp -a /dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty dev
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666 devpts dev/pts
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
mount -t tmpfs tmpfs run
mount -t tmpfs -o mode=1777 tmpfs tmp

# Of this machine's own services none is started.
rm -rf etc/systemd/system etc/rc?.d etc/fstab
echo 0123456789abcdef0123456789abcdef >etc/machine-id
cp -R "$folder/etc/." etc
systemctl --root=. --quiet enable mxtap.service

mkdir -p opt/mxtap/python opt/mxtap/site opt/mxtap/tree
mount --bind -o ro "$prefix" opt/mxtap/python
mount --bind -o ro "$site" opt/mxtap/site
mount --bind -o ro "$tree" opt/mxtap/tree
cat >usr/bin/mxtap <<END
#!/bin/sh
export PYTHONPATH=/opt/mxtap/tree:/opt/mxtap/site LD_LIBRARY_PATH=/opt/mxtap/python/lib
exec "/opt/mxtap/python/$python" -m monitor.cli "\$@"
END
chmod 755 usr/bin/mxtap

mkdir old
pivot_root . old
umount -l /old
rmdir /old
exec env -i container=mxtap PATH=/usr/sbin:/usr/bin:/sbin:/bin \
    setpriv --bounding-set=-sys_module,-sys_rawio,-sys_time,-syslog \
    /lib/systemd/systemd --system --unit=basic.target
