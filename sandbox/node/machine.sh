#!/bin/sh
# A machine within this one, with namespaces of its own for mounts, processes and network. Everything that a node does in there
# is gone with it: mounts, bridges, iptables rules, sockets and container shims, and a moment later the control groups. That
# holds even if this is killed outright. Runs until SIGTERM, or until the process that started it is gone.
#
#   sh machine.sh STATE CGROUP     STATE   an empty folder; STATE/machine.pid then holds the id of the machine's first process
#                                  CGROUP  name of a new control group, in each hierarchy, removed at the end
#   sh machine.sh --after CGROUP   removes these groups when its stdin ends; started by the above
set -eu

STATE=$1 CGROUP=$2
export STATE

# Folders for a node's programs, of which the machine has its own.
OWN_FOLDERS='/var/lib /var/log'
# kubelet sets these for the whole kernel. Here they are files of the machine's own, which only kubelet reads.
OWN_TUNABLES='vm/overcommit_memory vm/panic_on_oom kernel/panic kernel/panic_on_oops kernel/keys/root_maxkeys kernel/keys/root_maxbytes'
export OWN_FOLDERS OWN_TUNABLES

# cgroup v1 has a folder per controller, v2 has a single one.
hierarchies() {
  if [ -f /sys/fs/cgroup/cgroup.controllers ]; then echo /sys/fs/cgroup; else ls -d /sys/fs/cgroup/*/; fi
}

make_groups() {
  for hierarchy in $(hierarchies); do
    mkdir "${hierarchy%/}/$CGROUP"
  done
  [ ! -f /sys/fs/cgroup/cgroup.controllers ] ||
    sed 's/[a-z]*/+&/g' "/sys/fs/cgroup/$CGROUP/cgroup.controllers" >"/sys/fs/cgroup/$CGROUP/cgroup.subtree_control"
}

# Tries again and again, since a group can only be removed a moment after its processes were killed.
remove_groups() {
  for hierarchy in $(hierarchies); do
    group=${hierarchy%/}/$CGROUP tries=0
    while [ -d "$group" ] && [ $tries -lt 100 ]; do
      find "$group" -depth -type d -exec rmdir {} + 2>/dev/null && break
      tries=$((tries + 1))
      sleep 0.1
    done
  done
}

# The machine's first process. When it ends, the kernel kills all others in there.
# shellcheck disable=SC2016 # for the shell in there
FIRST='
set -eu
read -r pid _ </proc/self/stat # as the outside counts: /proc is still the one of there
mount -t proc proc /proc
for folder in $OWN_FOLDERS; do
  mkdir -p "$STATE$folder"
  mount --bind "$STATE$folder" "$folder"
done
for tunable in $OWN_TUNABLES; do
  own=$STATE/tunables/$tunable
  mkdir -p "${own%/*}"
  cat "/proc/sys/$tunable" >"$own"
  mount --bind "$own" "/proc/sys/$tunable"
done
mount -t tmpfs tmpfs /run
mount --make-rshared / # as kubelet wants it; none of it is shared with the outside
ip link set lo up
echo 1 >/proc/sys/net/ipv4/ip_forward # of this network alone
trap "exit 0" TERM
echo "$pid" >"$STATE/machine.pid.new"
mv "$STATE/machine.pid.new" "$STATE/machine.pid"
while :; do
  sleep 3600 &
  wait # also for processes that lost their parent
done'

if [ "$STATE" = --after ]; then
  cat >/dev/null
  remove_groups
  exit
fi

# Runs in a session of its own, so that it survives a SIGKILL of the whole process group. When the script is gone for any reason,
# its end of the pipe closes, and the remaining groups are removed.
watch_over_groups() {
  mkfifo "$STATE/alive"
  setsid sh "$0" --after "$CGROUP" <"$STATE/alive" >/dev/null 2>&1 &
  exec 9>"$STATE/alive"
  rm "$STATE/alive"
}

# A signal goes to the whole process group. unshare ignores it, but its child ends.
trap : TERM INT HUP
trap remove_groups EXIT
watch_over_groups
make_groups
(while kill -0 "$PPID" 2>/dev/null; do sleep 1; done; kill -TERM 0) 9>&- &
watcher=$!
trap 'kill $watcher 2>/dev/null || :; remove_groups' EXIT
unshare --mount --propagation private --net --pid --fork --kill-child sh -c "$FIRST" machine 9>&-
