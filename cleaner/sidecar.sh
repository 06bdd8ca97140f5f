#!/bin/sh
# The sidecar's loop: runs sweep.sh, which is beside it and documents the settings, every SWEEP_INTERVAL_SECONDS, and at once at the
# high watermark or when SETTINGS_FILE changes. Keeps its notes in METRICS_DIR, and serves metrics.txt from there by busybox's httpd.
# shellcheck disable=SC3013,SC3045 # dash and busybox have -nt; only busybox is asked for read -t
set -u
export LC_ALL=C

LOOK_SECONDS=4           # between looks at the usage and the clock
GROWING_LOOK_SECONDS=1   # the same while usage grows by more than 1 % per look
FAILED_RETRY_SECONDS=10  # after a sweep that failed, if the interval is longer
REPORT_SECONDS=3600      # a sweep that had nothing to do is reported this often
SWEEP_LIMIT_SECONDS=600  # a sweep that takes longer is ended, and counts as failed
IDLE_FILES_PER_SECOND=33 # after a sweep that removed nothing, the pause is at least one second per this many files

: "${SHM_DIR:=/dev/shm}" "${METRICS_DIR:=$(mktemp -d)}" "${METRICS_PORT:=9301}" "${EPOCHSECONDS:=}"
here=$(dirname "$0") permille=0 permille_after=0 due=0 retry=0 patience=0 rest=0 files=0 interval=300 high=80 said_at='' said_complaints='' uptime='' no_uptime='' serves='' sweep='' server='' silence=''

say() { printf 'time=%s event=%s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$*"; }

# A sweep and the server are process groups, so that nothing they started outlives them.
end_group() { [ -z "$1" ] || kill -s KILL -- "-$1" 2>/dev/null || :; } # PID
stop() {
  end_group "$sweep" && end_group "$server"
  rm -rf "$notes"; say stopped; exit 0
}

# Sets wall, the time, and uptime, which never jumps. busybox's shell knows the time without another process.
read_clocks() {
  wall=${EPOCHSECONDS:-$(date +%s)} up=''
  read -r up _ 2>/dev/null </proc/uptime
  case $up in *.*) uptime=${up%.*} ;; *) [ -z "$no_uptime" ] || uptime=$wall ;; esac
}

# A clock set forward would end all sessions at once. So after a jump all are touched. One that says when it expires still ends then.
watch_clock() {
  step=$((wall - uptime - offset)) offset=$((wall - uptime))
  [ "$step" -gt 10 ] || [ "$step" -lt -10 ] || return 0
  say "clock_jumped seconds=$step"
  (cd "$SHM_DIR" && find . -maxdepth 1 -type f -name 'session_*' ! -name '*[!A-Za-z0-9_.=-]*' -print0 | xargs -0 touch -c -h --) 2>/dev/null
}

# One connection at a time, each for five seconds at most: however many there are, they cannot take the memory that a sweep needs.
serve() {
  [ -n "$serves" ] && { [ -z "$server" ] || ! kill -0 "$server" 2>/dev/null; } || return 0
  setsid sh -c "while :; do nc -l -p $METRICS_PORT -e timeout 5 httpd -i -h '$METRICS_DIR' || sleep 1; done" >/dev/null 2>&1 &
  server=$!
}

# Sets permille, the usage of bytes or inodes, whichever is scarcer, and wait_seconds, the time until the next look.
look() {
  before=$permille
  # shellcheck disable=SC2046 # four numbers, or none
  set -- $(stat -f -c '%b %f %c %d' "$SHM_DIR" 2>/dev/null) 0 0 0 0
  permille=0 inodes=0 used_inodes=$(($3 - $4))
  [ "$1" -eq 0 ] || permille=$((($1 - $2) * 1000 / $1))
  [ "$3" -eq 0 ] || inodes=$((($3 - $4) * 1000 / $3))
  [ "$inodes" -le "$permille" ] || permille=$inodes
  if [ $((permille - before)) -gt 10 ]; then wait_seconds=$GROWING_LOOK_SECONDS; else wait_seconds=$LOOK_SECONDS; fi
}

under_pressure() { [ $((permille / 10)) -ge "$high" ]; }
may_try() { [ "$uptime" -ge "$retry" ] || [ $((permille - permille_after)) -gt 10 ]; } # at once if usage has grown by 1 % since the last sweep
settings_changed() { [ "${SETTINGS_FILE:-}" -nt "$notes/begun" ]; }
# True if the pause was lengthened for many files, and over half of them have gone since, as after a cleanup from outside.
emptied() { [ "$rest" -gt "$interval" ] && [ $((used_inodes * 2)) -lt "$files" ]; }

# Waits. busybox does so on a pipe that nobody writes to, without another process for each look.
pause() { # SECONDS
  if [ -n "$silence" ]; then read -r -t "$1" _ <&8; else sleep "$1" & wait $!; fi
}

run_sweep() {
  started=$uptime pressed=0 errors=0 removed=0
  touch -r "${SETTINGS_FILE:-}" "$notes/begun" 2>/dev/null || touch -d @0 "$notes/begun"
  setsid timeout "$SWEEP_LIMIT_SECONDS" sh "$here/sweep.sh" >"$notes/said" 2>"$notes/complaints" &
  sweep=$!
  wait "$sweep" && status=0 || status=$?
  end_group "$sweep"
  sweep='' complaints=$(cut -d ' ' -f 2- "$notes/complaints")
  [ "$complaints" = "$said_complaints" ] && [ "$status" -eq 0 ] || cat "$notes/complaints" # a repeated complaint is logged once
  said_complaints=$complaints && read_clocks && look && permille_after=$permille
  if [ "$status" -eq 0 ]; then
    take_results
    # Visitors too young to go age meanwhile. Where pressure moves nobody, each try waits a quarter longer, up to the interval.
    if under_pressure && [ "$pressed" -eq 0 ]; then patience=$((patience * 5 / 4 + 1)); else patience=0; fi
    [ "$patience" -le "$interval" ] || patience=$interval
    due=$((patience ? uptime + patience : started + rest)) retry=$((uptime + patience))
  else
    if [ "$status" -eq 1 ]; then FAILED_SWEEPS=0; else FAILED_SWEEPS=$((FAILED_SWEEPS + 1)); fi # with status 1 it has counted itself
    rest=$((interval < FAILED_RETRY_SECONDS ? interval : FAILED_RETRY_SECONDS)) due=$((uptime + rest)) retry=$((uptime + rest))
    say "sweep_failed status=$status retry_seconds=$rest"
  fi
}

take_results() {
  # shellcheck source=/dev/null # the sweep's notes: removed, pressed, errors, files and LAST_GOOD
  . "$LOOP_NOTES"
  for pair in $LAST_GOOD; do
    case $pair in SWEEP_INTERVAL_SECONDS=*) interval=${pair#*=} ;; HIGH_WATERMARK_PERCENT=*) high=${pair#*=} ;; esac
  done
  FAILED_SWEEPS=0 rest=$interval
  [ "$removed" -gt 0 ] || [ $((files / IDLE_FILES_PER_SECOND)) -le "$rest" ] || rest=$((files / IDLE_FILES_PER_SECOND))
  [ "$removed" -eq 0 ] && [ "$errors" -eq 0 ] && [ -n "$said_at" ] && [ $((uptime - said_at)) -lt $REPORT_SECONDS ] && return
  cat "$notes/said" && said_at=$uptime
}

rm -rf "$METRICS_DIR"/.loop.* "$METRICS_DIR"/metrics.txt.* # left by a container that was killed
notes=$(mktemp -d "$METRICS_DIR/.loop.XXXXXX" 2>/dev/null) ||
  { say "not_started error=\"METRICS_DIR $METRICS_DIR cannot be written to\"" && exit 1; }
export SHM_DIR METRICS_DIR LOOP_NOTES="$notes/notes" FAILED_SWEEPS=0 LAST_GOOD='' COUNT_ONLY=0 AGES_ONLY=0 DRY_RUN=0
trap stop TERM INT
[ -z "$EPOCHSECONDS" ] || { mkfifo "$notes/silence" && exec 8<>"$notes/silence" && silence=1; }
say "started dir=$SHM_DIR metrics_dir=$METRICS_DIR"
read_clocks
[ -n "$uptime" ] || { no_uptime=1 && read_clocks && say 'no_uptime problem="/proc/uptime cannot be read: jumps of the clock go unnoticed"'; }
offset=$((wall - uptime)) started=$uptime
if command -v httpd >/dev/null && command -v nc >/dev/null; then serves=1; else say 'metrics_not_served problem="there is no httpd or no nc"'; fi
while :; do
  serve
  read_clocks
  watch_clock
  [ "$uptime" -ge "$started" ] || due=0 retry=0 # without an uptime, a clock that was set back
  look
  if [ "$uptime" -ge "$due" ] || settings_changed || emptied || { under_pressure && may_try; }; then
    run_sweep
    wait_seconds=$GROWING_LOOK_SECONDS # usage has fallen, and growth is counted from here
  fi
  [ $((due - uptime)) -ge "$wait_seconds" ] || wait_seconds=$((due - uptime > 1 ? due - uptime : 1))
  pause "$wait_seconds"
done
