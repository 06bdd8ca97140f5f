#!/bin/sh
# The loop of the shm-cleanup sidecar: a sweep every SWEEP_INTERVAL_SECONDS, and at once at the high watermark.
#
#   sh sidecar.sh SWEEP-TEXT     the text of sweep.sh, which documents the settings
#
# METRICS_DIR is the one place it writes to; metrics.txt there is served on METRICS_PORT (9301) where busybox httpd is
# available. SETTINGS_FILE is read again by every sweep, and a sweep follows its change at once. Stops at once on SIGTERM, with exit status 0.
set -u
LC_ALL=C
export LC_ALL

LOOK_SECONDS=3           # between looks at the usage
GROWING_LOOK_SECONDS=1   # the same while usage grows by more than a percent a look
RETRY_SECONDS=2          # after a sweep under pressure that could remove nothing: younger visitors age meanwhile
SUMMARY_SECONDS=3600     # sweeps with nothing to tell are summed up in one line this often
SWEEP_LIMIT_SECONDS=600  # a sweep that takes longer is ended and counts as failed
IDLE_FILES_PER_SECOND=33 # after a sweep that removed nothing, the pause is a second for so many files if that is longer
                         # than the interval: 50,000 files would else be read 60 times an hour to find nothing due

say() { printf 'time=%s event=%s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$*"; }

sweep=${1:?the text of sweep.sh is missing}
: "${SHM_DIR:=/dev/shm}" "${METRICS_DIR:=$(mktemp -d)}" "${METRICS_PORT:=9301}"
rm -rf "$METRICS_DIR"/.loop.* "$METRICS_DIR"/metrics.txt.* # left by a container that was killed
# The name can not be guessed: httpd would serve what is in it.
notes=$(mktemp -d "$METRICS_DIR/.loop.XXXXXX" 2>/dev/null) ||
  { say "not_started error=\"METRICS_DIR $METRICS_DIR can not be written to\"" && exit 1; }
LOOP_NOTES=$notes/notes LOG_FD=9
export SHM_DIR METRICS_DIR LOOP_NOTES LOG_FD
exec 9>&1 # a dry run has too much to say for a small METRICS_DIR: it goes straight to the log

# Until the first sweep has said what its settings are.
high=80 authenticated_max_age=86400
case ${SWEEP_INTERVAL_SECONDS:-} in '' | *[!0-9]* | 0* | ??????*) interval=60 ;; *) interval=$SWEEP_INTERVAL_SECONDS ;; esac
permille=0 due=0 retry=0 rest=0 files=0 quiet=0 said_at='' said_complaints='' child='' server=''

stop() {
  # shellcheck disable=SC2086 # none, one or two ids
  kill $child $server 2>/dev/null
  rm -rf "$notes"
  say stopped
  exit 0
}

# Runs a command so that a signal is acted on at once, not when the command ends.
interruptibly() {
  "$@" &
  child=$!
  wait "$child"
  set -- $?
  child=
  return "$1"
}

# A pipe that nothing ever comes from. Waiting for it busybox's read does what sleep does, without a process for each look.
open_silence() {
  silence=
  mkfifo "$notes/silence" 2>/dev/null || return
  command exec 8<>"$notes/silence" 2>/dev/null && silence=1
  rm "$notes/silence"
}

# shellcheck disable=SC3045 # where read knows no -t it does not wait, and is not asked again
pause() { # SECONDS
  if [ -n "$silence" ]; then
    paused_at=$uptime
    read -r -t "$1" _ 2>/dev/null <&8
    uptime_seconds
    [ "$uptime" -eq "$paused_at" ] || return 0
    silence=
  fi
  interruptibly sleep "$1"
}

uptime_seconds() { read -r uptime _ </proc/uptime && uptime=${uptime%.*}; }

serve() {
  [ -z "$server" ] || ! kill -0 "$server" 2>/dev/null || return 0
  server=
  command -v httpd >/dev/null || return 0
  httpd -f -p "$METRICS_PORT" -h "$METRICS_DIR" &
  server=$!
}

# One statfs: permille is the usage, of bytes or inodes, whichever is scarcer; pause is how long until the next look.
look() {
  before=$permille
  # shellcheck disable=SC2046 # four numbers
  set -- $(stat -f -c '%b %f %c %d' "$SHM_DIR" 2>/dev/null)
  [ $# -eq 4 ] || set -- 0 0 0 0
  permille=0 inodes=0 used_inodes=$(($3 - $4))
  [ "$1" -eq 0 ] || permille=$((($1 - $2) * 1000 / $1))
  [ "$3" -eq 0 ] || inodes=$((($3 - $4) * 1000 / $3))
  [ "$inodes" -le "$permille" ] || permille=$inodes
  if [ $((permille - before)) -gt 10 ]; then pause=$GROWING_LOOK_SECONDS; else pause=$LOOK_SECONDS; fi
}

# For who sweeps beside this loop, and for the loop after a restart of its container.
note_clock_jump() {
  jump_notes=$METRICS_DIR/clock_jump
  if [ "${CLOCK_JUMPED_BY:-0}" -gt 0 ]; then
    echo "$CLOCK_JUMPED_AT $CLOCK_JUMPED_BY $jump_seen" >"$notes/jump" && mv -f "$notes/jump" "$jump_notes"
  else
    rm -f "$jump_notes"
  fi
}
recall_clock_jump() {
  read -r CLOCK_JUMPED_AT CLOCK_JUMPED_BY jump_seen 2>/dev/null <"$METRICS_DIR/clock_jump" || return 0
  case $CLOCK_JUMPED_AT$CLOCK_JUMPED_BY$jump_seen in *[!0-9]*) ;; *) [ "$jump_seen" -gt "$uptime" ] || return 0 ;; esac
  CLOCK_JUMPED_BY=0 # not this boot's
}

# A wall clock put forward makes every file look older than it is, and a day forward would end every session. The uptime
# does not follow it, which gives it away; the sweep corrects ages until all files from before are past theirs anyway.
watch_clock() {
  offset=$(($(date +%s) - uptime))
  step=$((offset - ${last_offset:-$offset})) last_offset=$offset
  if [ "$step" -gt 10 ] || [ "$step" -lt -10 ]; then
    CLOCK_JUMPED_AT=$((offset + uptime)) CLOCK_JUMPED_BY=$((${CLOCK_JUMPED_BY:-0} + step)) jump_seen=$uptime
    say "clock_jumped seconds=$step"
    note_clock_jump
  fi
  if [ "${CLOCK_JUMPED_BY:-0}" -gt 0 ] && [ $((uptime - jump_seen)) -le "$authenticated_max_age" ]; then
    export CLOCK_JUMPED_AT CLOCK_JUMPED_BY
  elif [ -n "${CLOCK_JUMPED_BY:-}" ]; then
    unset CLOCK_JUMPED_AT CLOCK_JUMPED_BY
    note_clock_jump
  fi
}

# Whether the settings were written since the last sweep began: a long interval must not hold back a shorter one.
# shellcheck disable=SC3013 # dash and busybox have -nt
settings_changed() { [ "${SETTINGS_FILE:-}" -nt "$notes/begun" ]; }

# Whether most of the files are gone for whose sake the pause is longer than the interval, as after a cleanup from outside.
emptied() { [ "$rest" -gt "$interval" ] && [ $((used_inodes * 2)) -lt "$files" ]; }

# What the sweep says for the loop: KEY=value lines.
take_notes() {
  LAST_GOOD=
  while IFS='=' read -r key value; do
    case $key in
      FILES) files=$value ;;
      REMOVED) removed=$value ;;
      ERRORS) errors=$value ;;
      *) LAST_GOOD="$LAST_GOOD $key=$value" ;;
    esac
    case $key in
      SWEEP_INTERVAL_SECONDS) interval=$value ;;
      HIGH_WATERMARK_PERCENT) high=$value ;;
      AUTHENTICATED_MAX_AGE_SECONDS) authenticated_max_age=$value ;;
    esac
  done <"$LOOP_NOTES"
  export LAST_GOOD
}

# Passes on what a sweep said: always if it did something, else the hour's sweeps in one line. A lasting complaint is
# said once.
report() {
  complaints=$(cut -d ' ' -f 2- "$notes/complaints")
  [ "$complaints" = "$said_complaints" ] || cat "$notes/complaints"
  said_complaints=$complaints
  if [ "$removed" -gt 0 ] || [ "$errors" -gt 0 ] || [ -z "$said_at" ] || [ "$(wc -l <"$notes/said")" -gt 1 ]; then
    cat "$notes/said"
  elif [ $((uptime - said_at)) -ge $SUMMARY_SECONDS ]; then
    read -r last <"$notes/said"
    say "quiet sweeps=$((quiet + 1)) last_sweep_${last}"
  else
    quiet=$((quiet + 1))
    return
  fi
  quiet=0 said_at=$uptime
}

run_sweep() {
  watch_clock
  started=$uptime files=0 removed=0 errors=0
  touch -d "@$((offset + uptime - 1))" "$notes/begun" # busybox compares whole seconds
  interruptibly timeout $SWEEP_LIMIT_SECONDS sh -c "$sweep" sweep >"$notes/said" 2>"$notes/complaints"
  status=$?
  uptime_seconds
  if [ "$status" -eq 0 ]; then
    FAILED_SWEEPS=0
    take_notes
    report
  else
    [ "$status" -eq 1 ] || FAILED_SWEEPS=$((${FAILED_SWEEPS:-0} + 1)) # else it has counted itself
    cat "$notes/complaints"
    say "sweep_failed status=$status retry_seconds=$interval"
  fi
  export FAILED_SWEEPS="${FAILED_SWEEPS:-0}"
  rest=$interval
  [ "$removed" -gt 0 ] || [ $((files / IDLE_FILES_PER_SECOND)) -le "$rest" ] || rest=$((files / IDLE_FILES_PER_SECOND))
  due=$((started + rest)) retry=$uptime
  [ "$removed" -gt 0 ] || [ $((permille / 10)) -lt "$high" ] || retry=$((uptime + RETRY_SECONDS))
}

trap stop TERM INT
open_silence
uptime_seconds
recall_clock_jump
say "started dir=$SHM_DIR metrics_dir=$METRICS_DIR"
while :; do
  serve
  uptime_seconds
  look
  if [ "$uptime" -ge "$due" ] || settings_changed || emptied || { [ $((permille / 10)) -ge "$high" ] && [ "$uptime" -ge "$retry" ]; }; then
    run_sweep
    pause=$GROWING_LOOK_SECONDS # as PID 1 this is told of the end of the sweep's timeout a second later, and read starts its wait anew
  fi
  [ $((due - uptime)) -ge "$pause" ] || pause=$((due - uptime > 1 ? due - uptime : 1))
  pause "$pause"
done
