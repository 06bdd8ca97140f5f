#!/bin/sh
# Sweeps the session files of an authentik proxy outpost once.
#
#   sh sweep.sh [KEY=value …]    arguments override SETTINGS_FILE (KEY=value lines), which overrides the environment
#
#   ANONYMOUS_MAX_AGE_SECONDS     86400     a visitor's session is removed past this age
#   AUTHENTICATED_MAX_AGE_SECONDS 86400     any session is, unless it says itself when it expires: then it is removed at that time
#   HIGH_WATERMARK_PERCENT        80        from this usage on, of bytes or inodes, visitors go before their time,
#   LOW_WATERMARK_PERCENT         60        … the oldest first, until usage is down to this
#   SWEEP_INTERVAL_SECONDS        300       for the loop around this script (sidecar.sh)
#
# Only as arguments or from the environment:
#
#   SHM_DIR      /dev/shm  the directory; only its own regular files session_* and .session_*.tmp are touched
#   METRICS_DIR  (none)    where metrics.txt is written; its counters continue from the file that is there
#   AGES_ONLY    0         1: usage does not matter, nor that a session would live longer by its own expiry
#   DRY_RUN      0         1: report what would be removed and why, and remove nothing; 2: report only how many
#   COUNT_ONLY   0         1: report how many sessions there are, and remove nothing
#
# Runs as the outpost's uid on busybox 1.35, or on any POSIX sh and awk with the GNU tools, and needs no writable place. Prints one
# key=value line; problems go to stderr. Exit status: 0, or 1 if the sweep did not run to its end. A file that could not
# be removed is counted, and is no failure.
# shellcheck disable=SC2154 # eval assigns settings and results
set -u
export LC_ALL=C

DEBRIS_AGE=300    # seconds. An outpost fills its empty files, and renames its staging files, within milliseconds.
PRESSURE_FLOOR=5  # seconds. A visitor no older is on the way to the login page, which needs the session.
LOGIN_PERCENT=95  # Logins go before their time only from this usage on, and only down to it.
READ_LIMIT=10     # seconds to read the beginnings of a batch of files, which takes milliseconds.

# scripts.ts puts that file's text here for a pod that gets this script as a text.
JUDGE=$(cat "$(dirname "$0")/judge.awk")

say() { printf 'time=%s event=%s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$*"; }

# Makes any text fit for a log line.
clean() { printf '%s' "$1" | tr -c 'A-Za-z0-9_./:,%=+()\047-' ' ' | cut -c 1-200; }

fail() { # PROBLEM
  say "sweep_failed dir=$(clean "$SHM_DIR") error=\"$1\"" >&2
  errors=$((errors + 1))
  publish
  exit 1
}

# ---- Settings. A value is only ever data. ----

set_number() { # SOURCE KEY VALUE
  case $2 in *_PERCENT) most=100 ;; *) most=31536000 ;; esac
  case $3 in
    '' | 0* | *[!0-9]* | ?????????*) ;;
    *) [ "$3" -gt "$most" ] || { eval "$2=$3" && return; } ;;
  esac
  eval "kept=\${$2}"
  say "setting_ignored source=$1 key=$2 value=\"$(clean "$3")\" expected=\"a whole number from 1 to $most\" kept=\"$kept\"" >&2
}

take() { # SOURCE KEY=VALUE
  key=${2%%=*} kind=''
  case $key in
    SWEEP_INTERVAL_SECONDS | ANONYMOUS_MAX_AGE_SECONDS | AUTHENTICATED_MAX_AGE_SECONDS) kind=number ;;
    HIGH_WATERMARK_PERCENT | LOW_WATERMARK_PERCENT) kind=number ;;
    SHM_DIR | METRICS_DIR | AGES_ONLY | DRY_RUN | COUNT_ONLY) kind=option ;;
  esac
  case $1:$kind in
    *:number) taken="$taken $key" && set_number "$1" "$key" "${2#*=}" ;;
    argument:option) eval "$key=\${2#*=}" ;;
    argument:*) fail "unknown argument: $(clean "$key")" ;; # maybe a mistyped DRY_RUN
    *) say "setting_ignored source=$1 problem=\"unknown key\" key=\"$(clean "$key")\"" >&2 ;;
  esac
}

read_settings_file() {
  taken=''
  while IFS= read -r line || [ -n "$line" ]; do
    case $line in '' | '#'*) ;; *=*) take settings_file "$line" ;; *) take settings_file "$line=" ;; esac
  done <"$SETTINGS_FILE"
  for key in $NUMBERS; do
    eval "kept=\${$key}"
    case "$taken " in *" $key "*) ;; *) say "setting_missing source=settings_file key=$key kept=$kept" >&2 ;; esac
  done
}

read_settings() { # ARGUMENT…
  NUMBERS=''
  for pair in SWEEP_INTERVAL_SECONDS=300 ANONYMOUS_MAX_AGE_SECONDS=86400 AUTHENTICATED_MAX_AGE_SECONDS=86400 \
    HIGH_WATERMARK_PERCENT=80 LOW_WATERMARK_PERCENT=60; do
    key=${pair%%=*} NUMBERS="$NUMBERS ${pair%%=*}" taken=''
    eval "given=\${$key:-}; $key=${pair#*=}"
    [ -z "$given" ] || take environment "$key=$given"
  done
  : "${SHM_DIR:=/dev/shm}" "${METRICS_DIR:=}" "${AGES_ONLY:=0}" "${DRY_RUN:=0}" "${COUNT_ONLY:=0}"
  # From the loop: what the last sweep ran with. The file overrides that where its lines are good.
  for pair in ${LAST_GOOD:-}; do take last_good "$pair"; done
  good_high=$HIGH_WATERMARK_PERCENT good_low=$LOW_WATERMARK_PERCENT
  [ ! -f "${SETTINGS_FILE:-}" ] || read_settings_file
  for pair; do take argument "$pair"; done
  [ "$COUNT_ONLY" != 0 ] || COUNT_ONLY=''
  [ "$DRY_RUN" != 0 ] || DRY_RUN=''
  [ "$AGES_ONLY" != 0 ] || AGES_ONLY=''
  if [ "$LOW_WATERMARK_PERCENT" -ge "$HIGH_WATERMARK_PERCENT" ]; then
    [ "$good_low" -lt "$good_high" ] || good_high=80 good_low=60
    say "setting_ignored key=LOW_WATERMARK_PERCENT value=$LOW_WATERMARK_PERCENT" \
      "expected=\"less than HIGH_WATERMARK_PERCENT ($HIGH_WATERMARK_PERCENT)\" kept=$good_low/$good_high" >&2
    HIGH_WATERMARK_PERCENT=$good_high LOW_WATERMARK_PERCENT=$good_low
  fi
  [ -z "$AGES_ONLY" ] || HIGH_WATERMARK_PERCENT=101 # which usage never reaches
}

# ---- The walk: list the sessions, judge each, remove what has to go. ----

look() { # sets the bytes and inodes that are there and those in use, and usage: the percent of the scarcer, rounded down
  # shellcheck disable=SC2046 # five numbers
  set -- $(stat -f -c '%b %f %S %c %d' .)
  [ $# -eq 5 ] || fail 'its usage cannot be read'
  total_bytes=$(($1 * $3)) used_bytes=$((($1 - $2) * $3)) total_inodes=$4 used_inodes=$(($4 - $5)) usage=0
  [ "$total_bytes" -eq 0 ] || usage=$((used_bytes * 100 / total_bytes)) # a tmpfs without a limit reports 0
  [ "$total_inodes" -eq 0 ] || [ $((used_inodes * 100 / total_inodes)) -le "$usage" ] ||
    usage=$((used_inodes * 100 / total_inodes))
}

uptime_ms() { # sets up_ms. Unlike the wall clock, the uptime never jumps. A number that begins with 0 would be octal.
  up=''
  read -r up _ 2>/dev/null </proc/uptime
  case $up in *.??) up_ms=$((${up%.*} * 1000 + 1${up#*.}0 - 1000)) ;; *) up_ms=$(date +%s)000 ;; esac
}

# Prints a line of facts for each session file, and last, for -depth, one for the directory, if the list is complete. A file with any
# other character in its name is no outpost's. xargs starts a stat for each batch, so memory does not grow with the number of files.
list_sessions() {
  # shellcheck disable=SC2038 # every name is one word
  find . -depth -maxdepth 1 '(' -name . -o -type f '(' -name 'session_*' -o -name '.session_*.tmp' ')' ')' \
    ! -name '*[!A-Za-z0-9_.=-]*' 2>/dev/null | xargs -s 100000 -n 1000 stat -c '%Y %f %b %h %s %i %n' 2>/dev/null
}

# Assigns what judge.awk finds and does. Fails if it, or what feeds it, did not run to its end.
walk() { # MODE
  listed=0
  eval "$(list_sessions | awk -v mode="$1" -v now="$now" -v started_ms="$started" -v dry="$DRY_RUN" -v read_limit=$READ_LIMIT \
    -v anonymous_age="$ANONYMOUS_MAX_AGE_SECONDS" -v authenticated_age="$AUTHENTICATED_MAX_AGE_SECONDS" \
    -v ages_only="$AGES_ONLY" -v debris_age=$DEBRIS_AGE -v pressure_floor=$PRESSURE_FLOOR -v login_percent=$LOGIN_PERCENT \
    -v high="$HIGH_WATERMARK_PERCENT" -v low="$LOW_WATERMARK_PERCENT" \
    -v total_bytes="$total_bytes" -v used_bytes="$used_bytes" -v total_inodes="$total_inodes" -v used_inodes="$used_inodes" \
    -v urgent="$urgent" -v visitor="$visitor" -v login="$login" "$JUDGE")"
  [ "$listed" -eq 1 ] || fail 'the sessions could not be walked through to the end'
}

# ---- Metrics ----

metric() { # NAME TYPE HELP [LABELS VALUE]…
  name=authentik_outpost_shm_$1 type=$2
  printf '# HELP %s %s\n# TYPE %s %s\n' "$name" "$3" "$name" "$type"
  shift 3
  while [ $# -gt 0 ]; do
    value=$2
    [ "$type" = gauge ] || value=$(($(published "$name$1") + $2)) # a counter goes on from the file that is there
    echo "$name$1 $value" || return
    shift 2
  done
}
published() { sed -n "s/^$1 \([0-9.]*\)\$/\1/p" "$METRICS_DIR/metrics.txt" 2>/dev/null; } # SERIES

# A sweep from outside, such as the CronJob's, must not make a loop that stands still look alive.
of_the_loop() { # NAME VALUE
  kept=''
  [ -n "${LOOP_NOTES:-}" ] || kept=$(published "authentik_outpost_shm_$1")
  echo "${kept:-$2}"
}

write_metrics() {
  if [ -n "$duration" ]; then
    metric size_bytes gauge 'Size of /dev/shm in bytes.' '' "$total_bytes"
    metric used_bytes gauge 'Bytes of it in use.' '' "$used_bytes"
    metric inodes_used gauge 'Inodes of it in use.' '' "$used_inodes"
    metric session_files gauge 'Session files by state.' \
      '{state="anonymous"}' "$anonymous" '{state="authenticated"}' "$authenticated" '{state="debris"}' "$debris"
    metric oldest_session_age_seconds gauge 'Age of the session file saved longest ago.' '' "$oldest_age"
    metric last_sweep_timestamp_seconds gauge 'When the last sweep of the sidecar ended, Unix time.' \
      '' "$(of_the_loop last_sweep_timestamp_seconds $((now + duration / 1000)))"
    milliseconds=$((duration % 1000 + 1000))
    metric last_sweep_duration_seconds gauge 'How long it took.' \
      '' "$(of_the_loop last_sweep_duration_seconds "$((duration / 1000)).${milliseconds#1}")"
  else
    sed '/_total/d' "$METRICS_DIR/metrics.txt" 2>/dev/null # what the last sweep that ran to its end has found
  fi
  metric removed_files_total counter 'Files removed.' \
    '{state="debris",reason="debris"}' "$debris_gone" '{state="debris",reason="pressure"}' "$debris_pressed" \
    '{state="anonymous",reason="expired"}' "$anonymous_gone" '{state="anonymous",reason="pressure"}' "$anonymous_pressed" \
    '{state="authenticated",reason="expired"}' "$authenticated_gone" \
    '{state="authenticated",reason="pressure"}' "$authenticated_pressed"
  metric sweep_errors_total counter 'Files that could not be removed, and sweeps that did not run to their end.' \
    '' $((errors + ${FAILED_SWEEPS:-0}))
}

# Renamed into place, so that a reader sees the old text or the new one, never half of one.
publish() {
  [ -n "$METRICS_DIR" ] && [ -z "$DRY_RUN" ] || return 0
  (write_metrics >"$METRICS_DIR/metrics.txt.${$}" && mv -f "$METRICS_DIR/metrics.txt.${$}" "$METRICS_DIR/metrics.txt") && return
  rm -f "$METRICS_DIR/metrics.txt.${$}"
  say "metrics_not_written dir=$(clean "$METRICS_DIR")" >&2
}

# ---- The sweep ----

uptime_ms
started=$up_ms now=$(date +%s) duration='' errors=0 problem='' young_logins=0 anonymous=0 authenticated=0 debris=0
debris_gone=0 anonymous_gone=0 authenticated_gone=0 debris_pressed=0 anonymous_pressed=0 authenticated_pressed=0
urgent='' visitor='' login='' oldest=0
read_settings "$@"
for tool in awk cut date find head mv rm sed stat timeout touch tr xargs; do
  command -v "$tool" >/dev/null || fail "missing tool: $tool"
done
# From here on every path is relative: whatever becomes of the name SHM_DIR, this stays the directory we are in.
cd "$SHM_DIR" 2>/dev/null || fail 'no such directory, or no permission to enter it'
[ -w . ] || fail 'the directory cannot be written to'
[ -r . ] || fail 'the directory cannot be read'
exec 3>&1 # for a dry run
look
usage_before=$usage used_bytes_before=$used_bytes used_inodes_before=$used_inodes

if [ -n "$COUNT_ONLY" ]; then
  walk count
elif [ "$usage" -lt "$HIGH_WATERMARK_PERCENT" ]; then
  walk sweep
elif [ -n "$DRY_RUN" ]; then
  walk measure
  walk sweep
else
  # The guess reads nothing, so that the first files go before the last is read. The third walk takes what the second passed by before
  # it knew enough, makes up for logins that the guess took for visitors, and is the only one that takes logins.
  walk guess
  walk press
  look # somebody else may have made room meanwhile
  [ "$usage" -ge $LOGIN_PERCENT ] || login=''
  [ "$usage" -lt "$LOW_WATERMARK_PERCENT" ] || [ -z "$visitor$login" ] || walk sweep
fi
case $problem in *'Read-only file system'*) fail 'the directory is read-only' ;; esac # [ -w ] does not tell root
oldest_age=$((oldest && oldest < now ? now - oldest : 0))
if [ -n "$COUNT_ONLY" ]; then
  say "count dir=$(clean "$SHM_DIR") used_bytes=$used_bytes total_bytes=$total_bytes inodes=$used_inodes total_inodes=$total_inodes" \
    "anonymous=$anonymous authenticated=$authenticated debris=$debris young_logins=$young_logins oldest_age_seconds=$oldest_age"
  exit 0
fi
look
uptime_ms
duration=$((up_ms - started))
publish

[ "$authenticated_pressed" -eq 0 ] || [ -n "$DRY_RUN" ] || say "logins_removed level=warning count=$authenticated_pressed" \
  "reason=\"usage at or above $LOGIN_PERCENT % and too few anonymous sessions left\""
pressed=$((debris_pressed + anonymous_pressed + authenticated_pressed))
removed=$((debris_gone + anonymous_gone + authenticated_gone + pressed))
if [ -n "${LOOP_NOTES:-}" ]; then
  good=''
  for key in $NUMBERS; do eval "good=\"\$good $key=\${$key}\""; done
  echo "removed=$removed pressed=$pressed errors=$errors files=$used_inodes LAST_GOOD='$good'" >"$LOOP_NOTES"
fi
say "sweep dir=$(clean "$SHM_DIR") usage_before_percent=$usage_before usage_after_percent=$usage" \
  "used_before_bytes=$used_bytes_before used_after_bytes=$used_bytes total_bytes=$total_bytes" \
  "inodes_before=$used_inodes_before inodes_after=$used_inodes total_inodes=$total_inodes" \
  "removed=$removed debris=$debris_gone expired_anonymous=$anonymous_gone expired_authenticated=$authenticated_gone" \
  "pressure_anonymous=$anonymous_pressed pressure_authenticated=$authenticated_pressed pressure_debris=$debris_pressed" \
  "errors=$errors duration_ms=$duration${DRY_RUN:+ dry_run=1}${problem:+ problem=\"$problem\"}"
