#!/bin/sh
# One sweep of the session files an authentik proxy outpost keeps in SHM_DIR. Runs on busybox 1.35 or any POSIX sh with
# the GNU tools, as the outpost's uid, and needs no writable place. Prints one key=value line; complaints go to stderr.
# Exit status: 0, or 1 when it could not do its work. A file that could not be removed is counted, not a failure.
#
#   sh sweep.sh [KEY=value …]    arguments win over SETTINGS_FILE (KEY=value lines), that over the environment
#
#   SHM_DIR                       /dev/shm  only its own regular files session_* and .session_*.tmp are ours
#   SWEEP_INTERVAL_SECONDS        60        for the loop around this (sidecar.sh); only checked here
#   ANONYMOUS_MAX_AGE_SECONDS     3600      older sessions of nobody logged in go
#   AUTHENTICATED_MAX_AGE_SECONDS 86400     older sessions of any kind go
#   HIGH_WATERMARK_PERCENT        80        from this usage on (the worse of bytes and inodes) younger anonymous
#   LOW_WATERMARK_PERCENT         60        … sessions go too, oldest first, until usage is down here
#   METRICS_DIR                   (none)    where metrics.txt is written; its counters go on from what is there
#   AGES_ONLY                     (none)    1: ages alone decide, whatever the usage
#   DRY_RUN                       (none)    1: say what would be removed and why, remove nothing
#   COUNT_ONLY                    (none)    1: no sweep, one line that says what is there
#
# The loop also sets LAST_GOOD (KEY=value words that stand where SETTINGS_FILE has a bad or no value), FAILED_SWEEPS (to
# count), LOOP_NOTES (a file to write the results to), LOG_FD (where a dry run says its files), and CLOCK_JUMPED_AT and CLOCK_JUMPED_BY
# (seconds: when, and how far, the wall clock was put forward). Who sweeps beside the loop has the last two from METRICS_DIR/clock_jump.
# shellcheck disable=SC2089,SC2090,SC2154 # scripts in variables are quoted for their own shell; key and kept come by eval
set -u
LC_ALL=C
export LC_ALL

DEBRIS_AGE=300     # seconds. Empty and staging files live for milliseconds; this old they are nobody's.
PRESSURE_FLOOR=5   # seconds. A younger visitor is on the way to the login page, which needs the session.
LOGIN_PERCENT=95   # Logins are given up only from this usage on, and only down to it.
BATCH=1000         # Names a removal. The age is checked again just before it, so the two are milliseconds apart.
UNSORTED=12000     # From so many files on, what goes under pressure is told from a part of them, and not sorted.
SORT_LIMIT=100000  # Lines that "oldest first" holds in memory (14 MB of the container's 32).
COUNT_LIMIT=5000   # Files in the directory; past it a part of them tells the gauges, and what to remove without order.
SMALL=400          # Bytes. What has no more of a Go outpost is no login: gob spells out its type, which takes 696 at least.

say() { printf 'time=%s event=%s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$*"; }

fail() {
  say "sweep_failed dir=$(clean "$SHM_DIR") error=\"$1\"" >&2
  errors=1
  publish
  exit 1
}

# Makes any text fit for a log line.
clean() {
  case $1 in
    *[!A-Za-z0-9_./-]*) printf '%s' "$1" | tr -c 'A-Za-z0-9_./:,%=+()\047-' ' ' | cut -c 1-200 ;;
    *) echo "$1" ;;
  esac
}

# ---- settings: values are only ever data, and a key is one of this list or nothing ----

valid() { # KEY VALUE
  case $1 in
    SHM_DIR) expected='an absolute path' range='' ;;
    METRICS_DIR) expected='an absolute path or nothing' range='' ;;
    AGES_ONLY | DRY_RUN | COUNT_ONLY) expected='1, 0 or nothing' range='' ;;
    *_PERCENT) expected='a whole number from 1 to 100' range=100 ;;
    *_SECONDS) expected='a whole number from 1 to 31536000' range=31536000 ;;
    *) return 1 ;;
  esac
  case $1:$2 in
    SHM_DIR:/* | METRICS_DIR:/* | METRICS_DIR: | AGES_ONLY: | AGES_ONLY:[01] | DRY_RUN: | DRY_RUN:[01] | COUNT_ONLY: | COUNT_ONLY:[01]) return 0 ;;
    *:'' | *:0* | *:*[!0-9]* | *:?????????*) return 1 ;;
  esac
  [ -n "$range" ] && [ "$2" -le "$range" ]
}

take() { # SOURCE KEY=VALUE
  key=${2%%=*} value=${2#*=}
  case " $KNOWN " in
    *" $key "*) ;;
    *) say "setting_ignored source=$1 problem=\"unknown key\" key=\"$(clean "$key")\"" >&2 && return ;;
  esac
  taken="$taken $key"
  if valid "$key" "$value"; then
    eval "$key=\$value"
  else
    eval "kept=\${$key}"
    say "setting_ignored source=$1 key=$key value=\"$(clean "$value")\" expected=\"$expected\" kept=\"$kept\"" >&2
  fi
}

# The watermarks make sense only as a pair: a reversed one falls back to the pair before.
check_watermarks() { # SOURCE HIGH LOW
  [ "$LOW_WATERMARK_PERCENT" -lt "$HIGH_WATERMARK_PERCENT" ] && return
  say "setting_ignored source=$1 key=LOW_WATERMARK_PERCENT value=$LOW_WATERMARK_PERCENT" \
    "expected=\"less than HIGH_WATERMARK_PERCENT ($HIGH_WATERMARK_PERCENT)\" kept=$3/$2" >&2
  HIGH_WATERMARK_PERCENT=$2 LOW_WATERMARK_PERCENT=$3
}

read_settings_file() {
  for pair in ${LAST_GOOD:-}; do take last_good "$pair"; done
  high=$HIGH_WATERMARK_PERCENT low=$LOW_WATERMARK_PERCENT taken=
  while IFS= read -r line || [ -n "$line" ]; do
    case $line in '' | '#'*) ;; *=*) take settings_file "$line" ;; *) take settings_file "$line=" ;; esac
  done <"$SETTINGS_FILE"
  for key in $NUMBERS; do
    case "$taken " in *" $key "*) continue ;; esac
    eval "kept=\${$key}"
    say "setting_missing source=settings_file key=$key kept=$kept" >&2
  done
  check_watermarks settings_file "$high" "$low"
}

read_settings() { # ARGUMENTS
  NUMBERS='SWEEP_INTERVAL_SECONDS ANONYMOUS_MAX_AGE_SECONDS AUTHENTICATED_MAX_AGE_SECONDS'
  NUMBERS="$NUMBERS HIGH_WATERMARK_PERCENT LOW_WATERMARK_PERCENT"
  KNOWN="SHM_DIR METRICS_DIR AGES_ONLY DRY_RUN COUNT_ONLY $NUMBERS" taken=
  for default in SHM_DIR=/dev/shm METRICS_DIR= AGES_ONLY= DRY_RUN= COUNT_ONLY= SWEEP_INTERVAL_SECONDS=60 \
    ANONYMOUS_MAX_AGE_SECONDS=3600 AUTHENTICATED_MAX_AGE_SECONDS=86400 HIGH_WATERMARK_PERCENT=80 LOW_WATERMARK_PERCENT=60; do
    key=${default%%=*}
    eval "given=\${$key:-}; $key=\${default#*=}"
    [ -z "$given" ] || take environment "$key=$given"
  done
  check_watermarks environment 80 60
  [ ! -f "${SETTINGS_FILE:-}" ] || read_settings_file
  high=$HIGH_WATERMARK_PERCENT low=$LOW_WATERMARK_PERCENT
  for pair; do take argument "$pair"; done
  check_watermarks argument "$high" "$low"
}

# ---- usage and time ----

look() { # sets total_bytes used_bytes total_inodes used_inodes, and usage: percent of the scarcer one, rounded down
  # shellcheck disable=SC2046 # five numbers
  set -- $(stat -f -c '%b %f %S %c %d' .)
  [ $# -eq 5 ] || return 1
  total_bytes=$(($1 * $3)) used_bytes=$((($1 - $2) * $3)) total_inodes=$4 used_inodes=$(($4 - $5)) usage=0
  [ "$total_bytes" -eq 0 ] || usage=$((used_bytes * 100 / total_bytes)) # a tmpfs without a limit says 0
  [ "$total_inodes" -eq 0 ] || [ $((used_inodes * 100 / total_inodes)) -le "$usage" ] ||
    usage=$((used_inodes * 100 / total_inodes))
}

uptime_ms() { # sets up_ms; unlike the wall clock this never jumps
  if read -r up _ </proc/uptime; then up_ms=${up%.*}${up#*.}0; else up_ms=0; fi
} 2>/dev/null

# The moment before which a file must have been saved to be older than AGE. If the clock was put forward, files saved
# before that look older than they are by as much; files saved since are older than AGE only once the moment has passed it.
saved_before() { # NAME AGE
  moment=$((now - $2 - 1)) # one second more, so that it holds whatever the fractions
  [ "$moment" -ge "${CLOCK_JUMPED_AT:-0}" ] || moment=$((moment - ${CLOCK_JUMPED_BY:-0}))
  eval "$1=$moment"
}

# What this find takes, by one call of it: GNU's prints the directory, busybox's the first thing it does not know. A linker may
# have its say before. With an answer to neither there is no sweep: a wrong guess would take every file for an old one.
probe_find() {
  find_takes_time='' find_deletes=''
  case $(find . -maxdepth 0 -type l -delete -newermt @0 -o -print 2>&1) in
    *'unrecognized: -newermt'*) find_deletes=1 ;;
    *'unrecognized: -delete'*) ;;
    *.) find_takes_time=1 find_deletes=1 ;;
    *) return 1 ;;
  esac
}

# A clock that was put forward, as the loop has noted it.
read_clock_jump() {
  [ -z "${CLOCK_JUMPED_BY:-}" ] && [ -n "$METRICS_DIR" ] && [ -f "$METRICS_DIR/clock_jump" ] || return 0
  read -r CLOCK_JUMPED_AT CLOCK_JUMPED_BY _ <"$METRICS_DIR/clock_jump"
  case $CLOCK_JUMPED_AT$CLOCK_JUMPED_BY in '' | *[!0-9]*) CLOCK_JUMPED_AT='' CLOCK_JUMPED_BY='' ;; esac
}

# "Not saved after this second" in find's words. Only GNU find takes a time; the others compare with a file, for which an open
# pipe will do: it has an mtime, can be touched, and needs no writable place.
not_since() { # NAME MOMENT FD
  if [ -n "$find_takes_time" ]; then
    eval "$1='! -newermt @$2.999999999'"
  else
    touch -d "@$2" "/proc/self/fd/$3" && eval "$1='! -newer /proc/self/fd/$3'"
  fi
}

set_moments() {
  exec 4<<FD4 5<<FD5 6<<FD6 7<<FD7 9<<FD9
FD4
FD5
FD6
FD7
FD9
  saved_before dead_moment "$AUTHENTICATED_MAX_AGE_SECONDS"
  saved_before aged_moment "$ANONYMOUS_MAX_AGE_SECONDS"
  saved_before debris_moment "$DEBRIS_AGE"
  saved_before floor_moment "$PRESSURE_FLOOR"
  DEAD='' AGED='' OLD='' FLOOR=''
  not_since DEAD "$dead_moment" 4 && not_since AGED "$aged_moment" 5 && not_since OLD "$debris_moment" 6
}

# Before each removal under pressure: with a small CPU limit a pass takes seconds, in which visitors grow old enough.
set_floor() {
  uptime_ms
  now=$((started_at + (up_ms - started) / 1000)) # whatever the wall clock does meanwhile
  saved_before floor_moment "$PRESSURE_FLOOR"
  not_since FLOOR "$floor_moment" 7
}

# ---- what is removed ----

# STATE REASON NAME…: removes these and says how many went. Where find has -delete it has done so right after its tests, and
# this only counts. Who can not remove a file says so on stderr, and those complaints are counted too.
# shellcheck disable=SC2016 # scripts for the shells that find and xargs start
set_removal() {
  if [ -z "$find_deletes" ]; then
    DELETE='' remove='rm -f -- "$@"'
  elif [ -n "$find_takes_time" ]; then
    DELETE=-delete remove=true # GNU: false for a file that stayed
  else
    DELETE='( -delete -o -type f )' remove=false # busybox: true in any case
  fi
  REMOVE='
state=$1 reason=$2 gone=$(($# - 2))
shift 2
'"$remove"' || for name; do [ ! -e "$name" ] || gone=$((gone - 1)); done
echo "removed $state $reason $gone" >&8'
  [ -z "$DRY_RUN" ] || DELETE='' REMOVE='
state=$1 reason=$2
shift 2
for name; do
  case $name in *[!A-Za-z0-9_./=-]*) name=$(printf %s "$name" | tr -c A-Za-z0-9_./= "?") ;; esac
  echo "would_remove=${name#./} state=$state reason=$reason" >&3
done
echo "removed $state $reason $#" >&8'
}

# STATE REASON TESTS NAME…: the same for names that were judged a moment ago: those go that still pass find's TESTS.
# shellcheck disable=SC2016
REMOVE_JUDGED='
state=$1 reason=$2 tests=$3
shift 3
exec find "$@" -maxdepth 0 -type f $tests $DELETE -exec sh -c "$REMOVE" remove "$state" "$reason" {} +'

# How a session file reads. Both formats are one line; a visitor can choose none of what is looked for, because gob
# control bytes are percent-encoded in a URL, and a quote in a JSON string is escaped.
# Go (to 2026.5): base64 of "<10 digits>|<base64 of a gob>|…". A login has the key "claims" in the gob, as the bytes
# 0x0c 0x08 0x00 0x06 c l a i m s; under base64 twice they look in one of nine ways, by their place modulo 9, the
# two most common ones first.
# Rust (2026.8+): {"expires":<unix>,"data":{"claims":{…} or null,…}}.
# Anything else is in doubt, and in doubt a session is authenticated.
READ='
BEGIN {
  forms = split("EQWdBQm1Oc1lXbHRj dJQUFaamJHRnBiW REFnQUJtTnNZV2x0Y RBZ0FCbU5zWVdsdG d0lBQVpqYkdGcGJY" \
    " 3SUFBWmpiR0ZwYl TUNBQUdZMnhoYVcxe 1DQUFHWTJ4aGFXMX NQ0FBR1kyeGhhVzF6", form, " ")
}
function read_state(file,   text, line, got, i) {
  expires = 0
  if ((got = (getline text < file)) <= 0) { close(file); return got ? "authenticated" : "debris" }
  if (substr(text, 1, 1) == "M" && substr(text, 15, 2) == "xE") {
    close(file)
    for (i = 1; i <= forms; i++) if (index(text, form[i])) return "authenticated"
    return "anonymous"
  }
  while (length(text) < 65536 && (getline line < file) > 0) text = text line
  close(file)
  if (substr(text, 1, 1) != "{") return "authenticated"
  gsub(/[ \t\r]/, "", text)
  if (match(text, /^\{"expires":[0-9]+[,}]/)) expires = substr(text, 12, RLENGTH - 12) + 0
  if (index(text, "\"claims\":{")) return "authenticated"
  return index(text, "\"claims\":null") ? "anonymous" : "authenticated"
}
function expired() { return expires > 0 && expires <= clock }'

# STATE NAME…: removes the sessions that, read again, are still past their own expiry; their mtime tells nothing.
# shellcheck disable=SC2016
REMOVE_EXPIRED='
state=$1
shift
set -- $(printf "%s\n" "$@" | awk -v clock="$CLOCK" "$READ { read_state(\$0); if (expired()) print }")
[ $# -eq 0 ] || exec sh -c "$REMOVE_JUDGED" remove "$state" expired "-type f" "$@"'

# What the awk programs below share: facts of a file, removal of what they judge, usage.
# shellcheck disable=SC2016
JUDGE=$READ'
BEGIN {
  judged = "xargs -r -s 100000 -n " batch " sh -c \"$REMOVE_JUDGED\" remove "
  run["anonymous aged"] = judged "anonymous expired \"$AGED\""
  run["debris pressure"] = judged "debris pressure \"$FLOOR\""
  run["anonymous pressure"] = judged "anonymous pressure \"$FLOOR\""
  run["authenticated pressure"] = judged "authenticated pressure \"$FLOOR\""
  run["anonymous expired"] = "xargs -r -n 100 sh -c \"$REMOVE_EXPIRED\" remove anonymous"
  run["authenticated expired"] = "xargs -r -n 100 sh -c \"$REMOVE_EXPIRED\" remove authenticated"
}
function send(state, why) {
  queue[state " " why] = queue[state " " why] name "\n"
  if (++queued % 100 == 0) flush() # busybox awk writes at every print
}
function flush(   to) { for (to in queue) if (queue[to] != "") { printf "%s", queue[to] | run[to]; queue[to] = "" } }
function take_facts() { # "mtime mode blocks links size ./name"
  mtime = $1; blocks = $3; links = $4; size = $5; name = substr($0, index($0, " ./") + 1)
}
function state_of() {
  expires = 0
  if (size == 0 || substr(name, 3, 1) == ".") return "debris"
  if (size <= small && length(name) == 62 && name ~ /^\.\/session_[A-Z2-7]+$/) return "anonymous"
  if (swept && mtime <= aged) return "authenticated" # else it would not be here
  return name ~ /^\.\/[A-Za-z0-9_.=-]+$/ ? read_state(name) : "authenticated"
}
function due(state) {
  return mtime <= (state == "debris" ? debris : state == "anonymous" ? aged : dead) || mtime <= dead || expired()
}
function above_bytes(percent) { return total_bytes && used_bytes * 100 > percent * total_bytes }
function above_inodes(percent) { return total_inodes && used_inodes * 100 > percent * total_inodes }
function reaches_bytes(percent) { return total_bytes && used_bytes * 100 >= percent * total_bytes }
function reaches_inodes(percent) { return total_inodes && used_inodes * 100 >= percent * total_inodes }'

judge() { # PROGRAM AWK-OPTION…
  program=$1
  shift
  awk "$@" -v batch=$BATCH -v clock="$CLOCK" -v small=$SMALL -v login_percent=$LOGIN_PERCENT \
    -v total_bytes="$total_bytes" -v used_bytes="$used_bytes" -v total_inodes="$total_inodes" -v used_inodes="$used_inodes" \
    -v high="$HIGH_WATERMARK_PERCENT" -v low="$LOW_WATERMARK_PERCENT" -v dead="$dead_moment" -v aged="$aged_moment" \
    -v debris="$debris_moment" -v floor="$floor_moment" "$JUDGE$program"
}

# ---- the passes ----

SESSIONS="-type f ( -name session_* -o -name .session_*.tmp )"

# Steps 1 to 3, and of step 4 what needs no order. One find tests and removes: what its age decides, and visits that
# their size gives away. Of the rest it prints the names that somebody has to read: what is old enough to go unless it is a
# login, and, twice, as "name/name", what is past the moment of PRESSED or else has a name no Go outpost gives and may have
# expired. A name that is not plain is never read.
# The environment of a pod can be large, and busybox leaves 2 KiB for it in what it takes for the longest argument list, so
# this find gets none. It takes that length from the limit of the stack; until a list is full its files wait for removal.
# And busybox forgets the last list of an -exec in parentheses, which is why the tests are spelled out flat; they are there
# twice because a file that could not be removed is done with too.
# shellcheck disable=SC2086,SC3045 # tests are words; dash and busybox have ulimit -s
pass_of_find() {
  set -f
  empty='( -size 0 -o -name .* )' plain='! -name *[!A-Za-z0-9_.=-]*'
  go='-name session_????????????????????????????????????????????????????' visit="-size -$((SMALL + 1))c $go ! -name *_*[!A-Z2-7]*"
  {
    ulimit -s 1024
    exec env -i PATH="$PATH" find . -maxdepth 1 ! \( $SESSIONS \) \
      -o $empty $OLD $DELETE -exec sh -c "$REMOVE" remove debris debris {} + \
      -o $empty $PRESSED ! -name '.*' $DELETE -exec sh -c "$REMOVE" remove debris pressure {} + \
      -o $empty \
      -o $DEAD $DELETE -exec sh -c "$REMOVE" remove authenticated expired {} + -o $DEAD \
      -o $AGED $visit $DELETE -exec sh -c "$REMOVE" remove anonymous expired {} + -o $AGED $visit \
      -o $PRESSED $visit $DELETE -exec sh -c "$REMOVE" remove anonymous pressure {} + -o $PRESSED $visit \
      -o $AGED $plain -print -o $PRESSED $plain -print0 -print -o $CALM ! $go $plain -print0 -print
  } | tr '\000' / | judge "$READ_REST" -v pressed="$relief"
}
# shellcheck disable=SC2016
READ_REST='
{
  young = index(substr($0, 3), "/")
  name = young ? substr($0, 1, young + 1) : $0
  state = read_state(name)
  if (expired()) send(state, "expired")
  else if (state == "anonymous" && !young) send(state, "aged")
  else if (state == "anonymous" && pressed) send(state, "pressure")
}
END { flush() }'

# TEST…: "mtime mode blocks links size ./name" of the sessions that pass find's TESTs.
facts() {
  set -f
  # shellcheck disable=SC2086
  find . -maxdepth 1 $SESSIONS "$@" -print0 | facts_of_names
}
facts_of_names() { xargs -0 -r -s 100000 stat -c '%Y %f %b %h %s %n'; }

# Step 4 exactly: oldest first, until the low watermark; with LOGINS=1 the last resort too. That one looks at younger visitors
# as well: no login goes where they, a few seconds from now, make room enough.
pass_in_order() { # LOGINS
  set_floor
  if [ -n "$1" ]; then tests=; else tests=$FLOOR; fi
  # shellcheck disable=SC2086 # tests are words
  facts $tests ! -name '*[!A-Za-z0-9_.=-]*' | { head -n $SORT_LIMIT && cat >/dev/null; } | sort -n |
    judge "$IN_ORDER" -v logins="$1" -v dry="$DRY_RUN"
}
# shellcheck disable=SC2016
IN_ORDER='
BEGIN { bytes_matter = reaches_bytes(login_percent); inodes_matter = reaches_inodes(login_percent) }
function leave() { if (links == 1) { used_bytes -= blocks * 512; used_inodes-- } }
function hold() { # no more than could be needed: a sixteenth is more than lies above the login percentage
  if (!(bytes_matter && held_bytes * 16 <= total_bytes || inodes_matter && holding * 16 <= total_inodes)) return
  held[++holding] = $0
  held_bytes += blocks * 512
}
{ take_facts() }
settled || substr(name, 3, 1) == "." { next }
{
  state = state_of()
  if (expired() && !dry) { send(state, "expired"); leave(); next }
  if (due(state)) { if (dry) leave(); next } # the find has said so
  if (mtime > floor) { if (state != "authenticated") leave(); next }
  if (!lowering) lowering = reaches_bytes(high) || reaches_inodes(high)
  if (!lowering || !above_bytes(low) && !above_inodes(low)) { settled = 1; next }
  if (state != "authenticated") { send(state, "pressure"); leave() }
  else if (logins) hold()
}
END {
  for (i = 1; i <= holding && (reaches_bytes(login_percent) || reaches_inodes(login_percent)); i++) {
    $0 = held[i]
    take_facts()
    send("authenticated", "pressure")
    leave()
  }
  flush()
}'

# The directory as a few numbers: how many sessions are anonymous, authenticated, debris, and when the oldest was saved. Then
# what has to go under pressure: all that was saved by a moment (0: none), and of the second after it, given as a moment
# too, what has these letters in its name; within a second nothing is older. A large directory is told from a part of it: ids
# are random. A quarter of 16,384 files, or a sixteenth of 65,536, hits the low watermark to about two percent.
# If no visitor is old enough to go, this waits for the first ones: so many came within seconds, and a sweep that removed
# nothing would have visitors refused until the next one has looked at everything again.
assess() {
  if [ -n "$relieving" ]; then sample | sort -n; else sample; fi | judge "$ASSESS" -v swept="$swept" -v relieving="$relieving" \
    -v floor_set=$((started / 1000 + now - started_at)) -v longest=$((PRESSURE_FLOOR + 1))
}
sample() {
  if [ "$used_inodes" -gt $((6 * COUNT_LIMIT)) ]; then
    set -- session_[AQa]*
  elif [ "$used_inodes" -gt $COUNT_LIMIT ]; then
    set -- session_[AEIMQUY4ae]*
  fi
  if [ $# -ge $((COUNT_LIMIT / 5)) ]; then
    printf './%s\0' "$@" | facts_of_names
  else
    facts && echo all
  fi 2>/dev/null
}
# shellcheck disable=SC2016
ASSESS='
{
  take_facts()
  if ($1 !~ /^[0-9]+$/) { whole = whole || $0 == "all"; next }
  if ($2 !~ /^8/) next # no regular file: what a link leads to is not for us to open
  state = state_of()
  count[state]++
  all++
  if (state != "debris" && (!oldest || mtime < oldest)) oldest = mtime
  if (relieving && (due(state) || state != "authenticated")) {
    saved[++last] = mtime; held_bytes[last] = links == 1 ? blocks * 512 : 0; held_inodes[last] = links == 1
  }
}
function lift_floor(   up) { # by the seconds since it was set
  if ((getline up < "/proc/uptime") > 0) floor += int(up) - floor_set
}
function wait_for_room(   percent, i, bytes, inodes, wait) {
  percent = reaches_bytes(login_percent) || reaches_inodes(login_percent) ? login_percent : high
  bytes = used_bytes; inodes = used_inodes
  for (i = 1; i <= last && (reaches_bytes(percent) || reaches_inodes(percent)); i++) leave(i)
  used_bytes = bytes; used_inodes = inodes
  wait = saved[i - 1] - floor
  if (i == 1 || wait <= 0 || wait > longest) return
  system("sleep " wait)
  floor += wait
}
function leave(i) { used_bytes -= held_bytes[i] * scale; used_inodes -= held_inodes[i] * scale }
END {
  scale = whole || !all ? 1 : used_inodes / all
  printf "%d %d %d %d ", count["anonymous"] * scale, count["authenticated"] * scale, count["debris"] * scale, oldest
  if (!relieving) exit # only the numbers are asked for
  lift_floor()
  wait_for_room()
  for (i = 1; i <= last && saved[i] <= floor && (above_bytes(low) || above_inodes(low)); i++) {
    if (saved[i] != second) { before = second; second = saved[i]; first = i }
    leave(i)
    if (saved[i] <= aged && saved[i + 1] > aged && !reaches_bytes(high) && !reaches_inodes(high)) exit
  }
  if (!second) exit # nothing has to go, or nothing can
  for (end = first; end <= last && saved[end] == second; end++) ;
  print before + 0, second, "-name session_[/" substr("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", 1, (i - first) / (end - first) * 32) "]*"
}'

# What the passes say, added up: a line of numbers, and the first problem. A file that is gone before we get to it is no
# problem. Two tools may complain at once and mix their words: what does not end in a reason is only a part of a line.
tally() {
  awk '
    $1 == "removed" { removed[$2 " " $3] += $4 }
    $1 == "complaint" { errors++; if (!problem) problem = substr($0, 11) }
    END {
      print errors + 0, removed["debris debris"] + 0, removed["debris pressure"] + 0, \
        removed["anonymous expired"] + 0, removed["anonymous pressure"] + 0, \
        removed["authenticated expired"] + 0, removed["authenticated pressure"] + 0
      print problem
    }'
}

complaints() { awk '!/No such file or directory/ && /(: [A-Z][^:]*|not found)$/ { print "complaint " $0 }'; }

run() { # PASS
  results=$({ { "$@" 2>&1 >&8 | complaints; } 8>&1; } | tally)
  problem=${results#*"
"}
  [ -n "$problem" ] && [ "$problem" != "$results" ] && first_problem=${first_problem:-$problem}
  # shellcheck disable=SC2086 # numbers
  set -- ${results%%"
"*}
  [ $# -eq 7 ] || fail "the pass ended early: $(clean "$problem")"
  case $problem in *'Read-only file system'*) fail 'the directory is read-only' ;; esac # [ -w ] does not tell root
  errors=$((errors + $1)) debris_gone=$((debris_gone + $2)) debris_pressed=$((debris_pressed + $3))
  anonymous_gone=$((anonymous_gone + $4)) anonymous_pressed=$((anonymous_pressed + $5))
  authenticated_gone=$((authenticated_gone + $6)) authenticated_pressed=$((authenticated_pressed + $7))
  look || fail 'its usage can not be read'
}

# ---- metrics ----

metric() { printf '# HELP %s%s %s\n# TYPE %s%s %s\n' "$metrics" "$1" "$3" "$metrics" "$1" "$2"; } # NAME TYPE HELP

published() { # SERIES; sets number to what the file that is there has, or to nothing
  number=
  for pair in $counters; do
    [ "${pair%=*}" != "$metrics$1" ] || number=${pair##*=}
  done
}

# Counters go on from the file that is there, so they outlive this process but not the pod.
counted() { # SERIES ADD
  published "$1"
  case $number in '' | *[!0-9]*) number=0 ;; esac
  echo "$metrics$1 $((number + $2))"
}

# A sweep from outside, such as the CronJob's, is not the loop's, which must not look alive by it when it stands still.
of_the_loop() { # SERIES VALUE
  number=
  [ -n "${LOOP_NOTES:-}" ] || published "$1"
  echo "$metrics$1 ${number:-$2}"
}

read_counters() { # sets counters: SERIES=NUMBER words of what goes on, and some that are neither
  counters=''
  [ -f "$METRICS_DIR/metrics.txt" ] || return 0
  while read -r series number _; do
    case $series in *_total* | *_last_sweep_*) counters="$counters $series=$number" ;; esac
  done <"$METRICS_DIR/metrics.txt"
}

# What is there: sets anonymous, authenticated and debris, and oldest, a moment or 0.
count() {
  # shellcheck disable=SC2046 # numbers
  set -- $(assess)
  anonymous=${1:-0} authenticated=${2:-0} debris=${3:-0} oldest=${4:-0}
}
oldest_age() { if [ "$oldest" -gt 0 ] && [ "$oldest" -lt "$now" ]; then echo $((now - oldest)); else echo 0; fi; }

write_metrics() {
  if [ -n "${total_bytes:-}" ]; then # else there is no directory to tell of
    metric size_bytes gauge 'Size of /dev/shm in bytes.' && echo "${metrics}size_bytes $total_bytes"
    metric used_bytes gauge 'Bytes of it in use.' && echo "${metrics}used_bytes $used_bytes"
    metric inodes_used gauge 'Inodes of it in use.' && echo "${metrics}inodes_used $used_inodes"
  fi
  if [ -n "${oldest:-}" ]; then
    metric session_files gauge "Session files by state; past $COUNT_LIMIT a part of them tells."
    printf "${metrics}session_files{state=\"%s\"} %d\n" anonymous "$anonymous" authenticated "$authenticated" debris "$debris"
    metric oldest_session_age_seconds gauge 'Age of the session file saved longest ago, found by the last sweep.'
    echo "${metrics}oldest_session_age_seconds $(oldest_age)"
  fi
  metric removed_files_total counter 'Files removed. One past authenticatedMaxAge is not read and counts as authenticated.'
  counted 'removed_files_total{state="debris",reason="debris"}' "$debris_gone"
  counted 'removed_files_total{state="debris",reason="pressure"}' "$debris_pressed"
  counted 'removed_files_total{state="anonymous",reason="expired"}' "$anonymous_gone"
  counted 'removed_files_total{state="anonymous",reason="pressure"}' "$anonymous_pressed"
  counted 'removed_files_total{state="authenticated",reason="expired"}' "$authenticated_gone"
  counted 'removed_files_total{state="authenticated",reason="pressure"}' "$authenticated_pressed"
  metric sweep_errors_total counter 'Files that could not be removed, and sweeps that could not do their work.'
  counted sweep_errors_total $((errors + ${FAILED_SWEEPS:-0}))
  if [ -n "${oldest:-}" ]; then
    metric last_sweep_timestamp_seconds gauge 'When the last sweep of the sidecar ended, Unix time.'
    of_the_loop last_sweep_timestamp_seconds $((started_at + duration / 1000))
    metric last_sweep_duration_seconds gauge 'How long it took.'
    milliseconds=$((duration % 1000 + 1000))
    of_the_loop last_sweep_duration_seconds "$((duration / 1000)).${milliseconds#1}"
  fi
}

# Renamed into place: a reader sees the old text or the new one, never half of one.
publish() {
  [ -n "$METRICS_DIR" ] && [ -z "$DRY_RUN" ] || return 0
  metrics=authentik_outpost_shm_
  read_counters
  (write_metrics >"$METRICS_DIR/metrics.txt.${$}" && mv -f "$METRICS_DIR/metrics.txt.${$}" "$METRICS_DIR/metrics.txt") ||
    say "metrics_not_written dir=$(clean "$METRICS_DIR")" >&2
}

# ---- the sweep ----

errors=0 debris_gone=0 debris_pressed=0 anonymous_gone=0 anonymous_pressed=0 authenticated_gone=0 authenticated_pressed=0
first_problem='' swept='' relieving='' started_at=$(date +%s)
uptime_ms
started=$up_ms
read_settings "$@"
[ "$DRY_RUN" != 0 ] || DRY_RUN=
[ "$COUNT_ONLY" != 0 ] || COUNT_ONLY=
[ "$AGES_ONLY" != 1 ] || HIGH_WATERMARK_PERCENT=101 LOGIN_PERCENT=101 # no usage reaches that

for tool in awk cat cut date env find head mv rm sort stat touch tr xargs; do
  command -v "$tool" >/dev/null || fail "missing tool: $tool"
done
now=$started_at
read_clock_jump
CLOCK=$((now - ${CLOCK_JUMPED_BY:-0}))

# From here on every path is relative: whatever becomes of the name SHM_DIR, this stays the directory we are in.
cd "$SHM_DIR" 2>/dev/null || fail 'no such directory, or no permission to enter it'
[ -w . ] || fail 'the directory can not be written to'
look || fail 'its usage can not be read'
exec 3>&"${LOG_FD:-1}"
probe_find || fail "this find is neither GNU's nor busybox's"
set_moments || fail 'moments can not be set: this find takes no time and /proc is not there'
if [ -n "$COUNT_ONLY" ]; then
  count
  say "count dir=$(clean "$SHM_DIR") used_bytes=$used_bytes total_bytes=$total_bytes inodes=$used_inodes total_inodes=$total_inodes" \
    "anonymous=$anonymous authenticated=$authenticated debris=$debris oldest_age_seconds=$(oldest_age)"
  exit 0
fi
set_removal
export DELETE REMOVE REMOVE_JUDGED REMOVE_EXPIRED READ CLOCK AGED FLOOR

usage_before=$usage used_bytes_before=$used_bytes used_inodes_before=$used_inodes
PRESSED='-name /' CALM='-type f' relief= # no name is "/"
if [ "$usage" -ge "$HIGH_WATERMARK_PERCENT" ] && [ "$used_inodes" -gt "$UNSORTED" ] && [ -z "$DRY_RUN" ]; then
  set -f
  # shellcheck disable=SC2046 # words
  set -- $(set +f && relieving=1 && assess)
  set_floor
  if [ $# -eq 8 ]; then
    exec 3<<FD3 # only a dry run says anything there
FD3
    relief=1 CALM='-name /'
    not_since before "$5" 3
    not_since second "$6" 9
    PRESSED="( $before -o $second $7 $8 )"
  fi
  set +f
fi
run pass_of_find
[ "$usage" -lt "$HIGH_WATERMARK_PERCENT" ] || run pass_in_order "$DRY_RUN"
[ "$usage" -lt $LOGIN_PERCENT ] || [ -n "$DRY_RUN" ] || run pass_in_order 1
if [ -n "$METRICS_DIR" ]; then
  swept=1
  count
fi
uptime_ms
duration=$((up_ms - started))
publish

[ "$authenticated_pressed" -eq 0 ] || say "logins_removed level=warning count=$authenticated_pressed" \
  "reason=\"usage at or above $LOGIN_PERCENT % and too few anonymous sessions left\""
removed=$((debris_gone + debris_pressed + anonymous_gone + anonymous_pressed + authenticated_gone + authenticated_pressed))
[ -z "${LOOP_NOTES:-}" ] || {
  printf '%s\n' "FILES=$used_inodes" "REMOVED=$removed" "ERRORS=$errors"
  for key in $NUMBERS; do eval "echo $key=\${$key}"; done
} >"$LOOP_NOTES"
say "sweep dir=$(clean "$SHM_DIR") usage_before_percent=$usage_before usage_after_percent=$usage" \
  "used_before_bytes=$used_bytes_before used_after_bytes=$used_bytes total_bytes=$total_bytes" \
  "inodes_before=$used_inodes_before inodes_after=$used_inodes total_inodes=$total_inodes" \
  "removed=$removed debris=$debris_gone expired_anonymous=$anonymous_gone expired_authenticated=$authenticated_gone" \
  "pressure_anonymous=$anonymous_pressed pressure_authenticated=$authenticated_pressed pressure_debris=$debris_pressed" \
  "errors=$errors duration_ms=$duration${DRY_RUN:+ dry_run=1}${first_problem:+ problem=\"$(clean "$first_problem")\"}"
