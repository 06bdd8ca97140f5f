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
#   DRY_RUN                       (none)    1: say what would be removed and why, remove nothing
#
# The loop also sets LAST_GOOD (KEY=value words that stand where SETTINGS_FILE has a bad or no value), FAILED_SWEEPS (to
# count), LOOP_NOTES (a file to write the results to), LOG_FD (where a dry run says its files), FILLING (1: usage is
# rising fast), and CLOCK_JUMPED_AT and CLOCK_JUMPED_BY (seconds: when, and how far, the wall clock was put forward).
# shellcheck disable=SC2089,SC2090,SC2154 # scripts in variables are quoted for their own shell; key and kept come by eval
set -u
LC_ALL=C
export LC_ALL

DEBRIS_AGE=300     # seconds. Empty and staging files live for milliseconds; this old they are nobody's.
PRESSURE_FLOOR=5   # seconds. A younger visitor is on the way to the login page, which needs the session.
LOGIN_PERCENT=95   # Logins are given up only from this usage on, and only down to it.
BATCH=1000         # Names a removal. The age is checked again just before it, so the two are milliseconds apart.
SORT_LIMIT=100000  # Lines that "oldest first" holds in memory (14 MB of the container's 32).
COUNT_LIMIT=10000  # Young files read for nothing but the session_files gauge; past it the rest is estimated.

say() { printf 'time=%s event=%s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$*"; }

fail() {
  say "sweep_failed dir=$(clean "$SHM_DIR") error=\"$1\"" >&2
  errors=1
  publish
  exit 1
}

# Makes any text fit for a log line.
clean() { printf '%s' "$1" | tr -c 'A-Za-z0-9_./:,%=+()\047-' ' ' | cut -c 1-200; }

# ---- settings: values are only ever data, and a key is one of this list or nothing ----

valid() { # KEY VALUE
  case $1 in
    SHM_DIR) expected='an absolute path' range='' ;;
    METRICS_DIR) expected='an absolute path or nothing' range='' ;;
    DRY_RUN) expected='1, 0 or nothing' range='' ;;
    *_PERCENT) expected='a whole number from 1 to 100' range=100 ;;
    *_SECONDS) expected='a whole number from 1 to 31536000' range=31536000 ;;
    *) return 1 ;;
  esac
  case $1:$2 in
    SHM_DIR:/* | METRICS_DIR:/* | METRICS_DIR: | DRY_RUN: | DRY_RUN:[01]) return 0 ;;
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
  KNOWN="SHM_DIR METRICS_DIR DRY_RUN $NUMBERS" taken=
  for default in SHM_DIR=/dev/shm METRICS_DIR= DRY_RUN= SWEEP_INTERVAL_SECONDS=60 ANONYMOUS_MAX_AGE_SECONDS=3600 \
    AUTHENTICATED_MAX_AGE_SECONDS=86400 HIGH_WATERMARK_PERCENT=80 LOW_WATERMARK_PERCENT=60; do
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

uptime_ms() { # unlike the wall clock this never jumps
  if read -r up _ </proc/uptime; then echo "${up%.*}${up#*.}0"; else echo 0; fi
} 2>/dev/null

# The moment before which a file must have been saved to be older than AGE. If the clock was put forward, files saved
# before that look older than they are by as much; files saved since are older than AGE only once the moment has passed it.
saved_before() { # AGE
  moment=$((now - $1 - 1)) # one second more, so that it holds whatever the fractions
  [ "$moment" -ge "${CLOCK_JUMPED_AT:-0}" ] || moment=$((moment - ${CLOCK_JUMPED_BY:-0}))
  echo "$moment"
}

# "Not saved since MOMENT" in find's words. Only GNU find takes a time; the others compare with a file, for which an open
# pipe will do: it has an mtime, can be touched, and needs no writable place.
not_since() { # MOMENT FD
  if [ -n "$find_takes_time" ]; then
    echo "! -newermt @$1"
  else
    touch -d "@$1" "/proc/self/fd/$2" && echo "! -newer /proc/self/fd/$2"
  fi
}

set_moments() {
  find_takes_time=$(find . -maxdepth 0 -newermt @0 2>/dev/null)
  exec 4<<FD4 5<<FD5 6<<FD6 7<<FD7 9<<FD9
FD4
FD5
FD6
FD7
FD9
  dead_moment=$(saved_before "$AUTHENTICATED_MAX_AGE_SECONDS") aged_moment=$(saved_before "$ANONYMOUS_MAX_AGE_SECONDS")
  debris_moment=$(saved_before "$DEBRIS_AGE") floor_moment=$(saved_before "$PRESSURE_FLOOR")
  DEAD=$(not_since "$dead_moment" 4) && AGED=$(not_since "$aged_moment" 5) &&
    OLD=$(not_since "$debris_moment" 6) && FLOOR=$(not_since "$floor_moment" 7)
}

# ---- what is removed: the judge below sends names; their age is checked again right before they go ----

# STATE REASON TESTS NAME…: removes the regular files that (still) pass find's TESTS, says how many went and what stayed.
# shellcheck disable=SC2016 # scripts for the shells that xargs starts
REMOVE='
set -f
state=$1 reason=$2 tests=$3 kept=
shift 3
if [ -n "$DRY_RUN" ]; then
  gone=$(find "$@" -maxdepth 0 -type f $tests -print 2>/dev/null)
  for name in $gone; do echo "would_remove=${name#./} state=$state reason=$reason" >&3; done
elif ! gone=$(find "$@" -maxdepth 0 -type f $tests $REMOVAL 2>/dev/null); then
  kept=$(find "$@" -maxdepth 0 -type f $tests -print 2>/dev/null)
fi
set -- $gone
removed=$#
set -- $kept
case $REMOVAL in *rm*) removed=$((removed - $#)) ;; esac
echo "removed $state $reason $removed"
[ $# -eq 0 ] || echo "kept $# $(rm -f -- "$1" 2>&1)"'

# NAME: the same for one file whose name is no plain word, which goes when it is debris or dead and is never read.
# shellcheck disable=SC2016
REMOVE_ODD='
set -f
case $1 in ./.*) state=debris reason=debris tests=$OLD ;; *) state=authenticated reason=expired tests=$DEAD ;; esac
[ -s "$1" ] || state=debris reason=debris tests=$OLD
[ -n "$(find "$1" -maxdepth 0 -type f $tests)" ] || exit 0
if [ -n "$DRY_RUN" ]; then
  echo "would_remove=$(printf %s "${1#./}" | tr -c A-Za-z0-9_.= "?") state=$state reason=$reason" >&3
else
  rm -f -- "$1"
fi && echo "removed $state $reason 1" >&8'

# How a session file reads. Both formats are one line; a visitor can choose none of what is looked for, because gob
# control bytes are percent-encoded in a URL, and a quote in a JSON string is escaped.
# Go (to 2026.5): base64 of "<10 digits>|<base64 of a gob>|…". A login has the key "claims" in the gob, as the bytes
# 0x0c 0x08 0x00 0x06 c l a i m s; under base64 twice they look in one of nine ways, by their place modulo 9, the
# two most common ones first. With the definition of its type, which the gob spells out, it takes more than 400 characters.
# Rust (2026.8+): {"expires":<unix>,"data":{"claims":{…} or null,…}}.
# Anything else is in doubt, and in doubt a session is authenticated.
READ='
BEGIN {
  forms = split("EQWdBQm1Oc1lXbHRj dJQUFaamJHRnBiW REFnQUJtTnNZV2x0Y RBZ0FCbU5zWVdsdG d0lBQVpqYkdGcGJY" \
    " 3SUFBWmpiR0ZwYl TUNBQUdZMnhoYVcxe 1DQUFHWTJ4aGFXMX NQ0FBR1kyeGhhVzF6", form, " ")
}
function read_state(file,   text, line, got, i) {
  if ((got = (getline text < file)) <= 0) { close(file); return got ? "authenticated" : "debris" }
  if (substr(text, 1, 1) == "M" && substr(text, 15, 2) == "xE") {
    close(file)
    if (length(text) > 400) for (i = 1; i <= forms; i++) if (index(text, form[i])) return "authenticated"
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
[ $# -eq 0 ] || exec sh -c "$REMOVE" remove "$state" expired "" "$@"'

# ---- the judge: reads a file only if something depends on it ----

# Lines are "mtime blocks links size ./name", oldest first under pressure. Or, with names=1, names alone: find has tested
# that they are old enough for something, and removal tests the age that belongs to the state that is read here; "./name/./name"
# is dead by its age, whatever it holds. With relief=1 the names are those that go first under pressure.
# shellcheck disable=SC2016
JUDGE='
BEGIN {
  bytes_matter = reaches_bytes(login_percent)
  inodes_matter = reaches_inodes(login_percent)
  remove = "xargs -r -s 100000 -n " batch " sh -c \"$REMOVE\" remove "
  run["debris aged"] = remove "debris debris \"$OLD\""
  run["debris pressure"] = remove "debris pressure \"$FLOOR\""
  run["anonymous aged"] = remove "anonymous expired \"$AGED\""
  run["authenticated aged"] = remove "authenticated expired \"$DEAD\""
  run["anonymous expired"] = "xargs -r -n 100 sh -c \"$REMOVE_EXPIRED\" remove anonymous"
  run["authenticated expired"] = "xargs -r -n 100 sh -c \"$REMOVE_EXPIRED\" remove authenticated"
  run["anonymous pressure"] = remove "anonymous pressure \"$FLOOR\""
  run["authenticated pressure"] = remove "authenticated pressure \"$FLOOR\""
  run["odd aged"] = "tr \"\\n\" \"\\0\" | xargs -r -0 -n 1 sh -c \"$REMOVE_ODD\" remove"
}
function send(state, why) {
  queue[state " " why] = queue[state " " why] name "\n"
  if (++queued % 100 == 0) flush() # busybox awk writes at every print
  if (links == 1) { used_bytes -= blocks * 512; used_inodes-- }
}
function flush(   to) { for (to in queue) if (queue[to] != "") { printf "%s", queue[to] | run[to]; queue[to] = "" } }
function above_bytes(percent) { return total_bytes && used_bytes * 100 > percent * total_bytes }
function above_inodes(percent) { return total_inodes && used_inodes * 100 > percent * total_inodes }
function reaches_bytes(percent) { return total_bytes && used_bytes * 100 >= percent * total_bytes }
function reaches_inodes(percent) { return total_inodes && used_inodes * 100 >= percent * total_inodes }
function pressed() { # from the high watermark on, until usage is down at the low one
  if (!pressure || mtime > floor) return 0
  if (!lowering) lowering = reaches_bytes(high) || reaches_inodes(high)
  if (lowering && !above_bytes(low) && !above_inodes(low)) settled = 1
  return lowering && !settled
}
function hold() { # no more than could be needed: a sixteenth is more than lies above the login percentage
  if (!(bytes_matter && held_bytes * 16 <= total_bytes || inodes_matter && holding * 16 <= total_inodes)) return
  held[++holding] = name; held_blocks[holding] = blocks; held_links[holding] = links
  held_bytes += blocks * 512
}
{ files++ }
settled { unread++; next }
names { dead_by_age = index(substr($0, 3), "/"); name = dead_by_age ? substr($0, 1, dead_by_age + 1) : $0 }
!names { name = substr($0, index($0, " ./") + 1) }
name !~ /^\.\/[A-Za-z0-9_.=-]+$/ { count["authenticated"]++; links = 0; send("odd", "aged"); next }
names {
  expires = 0
  state = dead_by_age ? "authenticated" : substr(name, 3, 1) == "." ? "debris" : read_state(name)
  if (!relief || expired()) send(state, expired() ? "expired" : "aged")
  else if (state != "authenticated") send(state, "pressure")
  next
}
{ mtime = $1; blocks = $2; links = $3; staging = substr(name, 3, 1) == "." }
staging || $4 == 0 {
  count["debris"]++
  if (mtime <= debris) send("debris", "aged")
  else if (!staging && pressed()) send("debris", "pressure")
  next
}
!oldest || mtime < oldest { oldest = mtime }
mtime <= dead { count["authenticated"]++; send("authenticated", "aged"); next }
{
  young = mtime > aged
  wanted = counting && looked < count_limit || !pressure && substr(name, 11) ~ /[^A-Z2-7]/ # no id of Go: may expire
  if (young && !wanted && !pressed()) { unread++; next }
  expires = 0
  state = read_state(name)
  count[state]++
  if (young) { looked++; seen[state]++ }
  if (expired()) send(state, "expired")
  else if (state == "anonymous" && !young) send(state, "aged")
  else if (state == "anonymous" && pressed()) send(state, "pressure")
  else if (state == "authenticated" && logins && mtime <= floor) hold()
}
END {
  for (i = 1; i <= holding && (reaches_bytes(login_percent) || reaches_inodes(login_percent)); i++) {
    name = held[i]; blocks = held_blocks[i]; links = held_links[i]
    send("authenticated", "pressure")
  }
  flush()
  share = looked ? seen["anonymous"] / looked : 1
  printf "judged %d %d %d %d %d\n", files, count["anonymous"] + unread * share, \
    count["authenticated"] + unread * (1 - share), count["debris"], oldest
}'

# ---- the passes ----

# TEST…: the names of the session files that pass find's TESTs, one a line. A name that is more than a line goes right here.
list() {
  # shellcheck disable=SC2086 # tests are words
  find . -maxdepth 1 -type f \( -name 'session_*' -o -name '.session_*.tmp' \) \
    \( ! -name '*
*' -o $OLD -exec sh -c "$REMOVE_ODD" remove {} \; -name / \) \( "$@" \) -print
}

facts() { tr '\n' '\0' | xargs -0 -r -s 100000 stat -c '%Y %b %h %s %n'; }

judge() { # AWK-OPTION…
  awk "$@" -v batch=$BATCH -v clock="$CLOCK" -v login_percent=$LOGIN_PERCENT \
    -v total_bytes="$total_bytes" -v used_bytes="$used_bytes" -v total_inodes="$total_inodes" -v used_inodes="$used_inodes" \
    -v high="$HIGH_WATERMARK_PERCENT" -v low="$LOW_WATERMARK_PERCENT" \
    -v dead="$dead_moment" -v aged="$aged_moment" -v debris="$debris_moment" -v floor="$floor_moment" "$READ$JUDGE"
}

# What the passes say, added up: a line of numbers, and the first problem. A file that is gone before we get to it is no
# problem. Two tools may complain at once and mix their words: what does not end in a reason is only a part of a line.
tally() {
  awk '
    $1 == "removed" { removed[$2 " " $3] += $4 }
    $1 == "kept" { errors += $2; sub(/^kept [0-9]+ /, ""); if (!problem) problem = $0 }
    $1 == "judged" { judged = $2 " " $3 " " $4 " " $5 " " $6 }
    $1 == "complaint" { errors++; if (!problem) problem = substr($0, 11) }
    END {
      print errors + 0, removed["debris debris"] + 0, removed["debris pressure"] + 0, \
        removed["anonymous expired"] + 0, removed["anonymous pressure"] + 0, \
        removed["authenticated expired"] + 0, removed["authenticated pressure"] + 0, judged
      print problem
    }'
}

complaints() { awk '!/No such file or directory/ && /(: [A-Z][^:]*|not found)$/ { print "complaint " $0 }'; }

# Steps 1 to 3 by name alone: find says what is old enough for any of them, and no other file is looked at. The dead are
# printed twice, as "name/name", and not read either.
pass_by_name() {
  # shellcheck disable=SC2086 # tests are words
  list $DEAD -print0 -o $AGED -o $OLD \( -size 0 -o -name '.*' \) -o -name 'session_*[!A-Z2-7]*' |
    tr '\000' / | judge -v names=1
}

# The same over the facts of every file, which the gauges need.
pass_counting() { list -name '*' | facts | judge -v counting=1 -v count_limit=$COUNT_LIMIT; }

# All four steps, oldest first; with LOGINS=1 the last resort too.
pass_under_pressure() { # LOGINS
  list -name '*' | facts | { head -n $SORT_LIMIT && cat >/dev/null; } | sort -n |
    judge -v pressure=1 -v logins="$1" -v counting="${METRICS_DIR:+1}" -v count_limit=1000
}

# Sorting a full directory takes long with the little CPU a sidecar has. So about a tenth of it goes before that: what is as
# old as the oldest tenth of a sample, which needs no order because all of it goes. First the files of the sample itself.
pass_of_relief() {
  sample=$(list -name '*[Aa]?' | facts | sort -n | awk '{ line[NR] = $0 } END { for (i = 1; i <= NR / 10; i++) print line[i] }')
  tenth=$(echo "$sample" | awk '{ saved = $1 } END { print saved + 0 }')
  [ "$tenth" -lt "$floor_moment" ] || tenth=$floor_moment
  echo "$sample" | sed 's/^[^.]*//' | judge -v names=1 -v relief=1
  # shellcheck disable=SC2046 # tests are words
  list $(not_since "$tenth" 9) | judge -v names=1 -v relief=1
}

# Only where many files fill the directory fast, and a tenth of them is surely less than what has to go.
needs_relief() {
  [ -z "$DRY_RUN" ] && [ "$used_inodes" -ge 8192 ] && [ $((usage - LOW_WATERMARK_PERCENT)) -ge 20 ] &&
    [ "$usage" -ge $((${FILLING:-0} ? 0 : LOGIN_PERCENT)) ]
}

run() { # PASS
  results=$({ { "$@" 2>&1 >&8 | complaints; } 8>&1; } | tally)
  problem=${results#*"
"}
  [ -n "$problem" ] && [ "$problem" != "$results" ] && first_problem=${first_problem:-$problem}
  # shellcheck disable=SC2086 # numbers
  set -- ${results%%"
"*}
  [ $# -eq 12 ] || fail "the pass ended early: $(clean "$problem")"
  case $problem in *'Read-only file system'*) fail 'the directory is read-only' ;; esac # [ -w ] does not tell root
  errors=$((errors + $1)) debris_gone=$((debris_gone + $2)) debris_pressed=$((debris_pressed + $3))
  anonymous_gone=$((anonymous_gone + $4)) anonymous_pressed=$((anonymous_pressed + $5))
  authenticated_gone=$((authenticated_gone + $6)) authenticated_pressed=$((authenticated_pressed + $7))
  files=$(($8 - $2 - $3 - $4 - $5 - $6 - $7)) anonymous=$(($9 - $4 - $5)) debris=$(($2 + $3)) authenticated=$(($6 + $7))
  shift 9
  authenticated=$(($1 - authenticated)) debris=$(($2 - debris)) oldest=$3
}

# ---- metrics ----

metric() { printf '# HELP %s%s %s\n# TYPE %s%s %s\n' "$metrics" "$1" "$3" "$metrics" "$1" "$2"; } # NAME TYPE HELP

# Counters go on from the file that is there, so they outlive this process but not the pod.
counted() { # SERIES ADD
  sum=$2
  if [ -f "$METRICS_DIR/metrics.txt" ]; then
    while read -r series number _; do
      [ "$series" != "$metrics$1" ] || case $number in '' | *[!0-9]*) ;; *) sum=$((number + $2)) ;; esac
    done <"$METRICS_DIR/metrics.txt"
  fi
  echo "$metrics$1 $sum"
}

write_metrics() {
  if [ -n "${total_bytes:-}" ]; then # else there is no directory to tell of
    metric size_bytes gauge 'Size of /dev/shm in bytes.' && echo "${metrics}size_bytes $total_bytes"
    metric used_bytes gauge 'Bytes of it in use.' && echo "${metrics}used_bytes $used_bytes"
    metric inodes_used gauge 'Inodes of it in use.' && echo "${metrics}inodes_used $used_inodes"
  fi
  if [ -n "${files:-}" ]; then
    metric session_files gauge "Session files by state; past $COUNT_LIMIT young ones the rest is estimated."
    printf "${metrics}session_files{state=\"%s\"} %d\n" anonymous "$anonymous" authenticated "$authenticated" debris "$debris"
    metric oldest_session_age_seconds gauge 'Age of the session file saved longest ago, found by the last sweep.'
    [ "$oldest" -gt 0 ] && [ "$oldest" -lt "$now" ] && age=$((now - oldest)) || age=0
    echo "${metrics}oldest_session_age_seconds $age"
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
  if [ -n "${files:-}" ]; then
    metric last_sweep_timestamp_seconds gauge 'When the last sweep ended, Unix time.'
    echo "${metrics}last_sweep_timestamp_seconds $(date +%s)"
    metric last_sweep_duration_seconds gauge 'How long it took.'
    printf '%slast_sweep_duration_seconds %d.%03d\n' "$metrics" $((duration / 1000)) $((duration % 1000))
  fi
}

# Renamed into place: a reader sees the old text or the new one, never half of one.
publish() {
  [ -n "$METRICS_DIR" ] && [ -z "$DRY_RUN" ] || return 0
  metrics=authentik_outpost_shm_
  (write_metrics >"$METRICS_DIR/metrics.txt.${$}" && mv -f "$METRICS_DIR/metrics.txt.${$}" "$METRICS_DIR/metrics.txt") ||
    say "metrics_not_written dir=$(clean "$METRICS_DIR")" >&2
}

# ---- the sweep ----

errors=0 debris_gone=0 debris_pressed=0 anonymous_gone=0 anonymous_pressed=0 authenticated_gone=0 authenticated_pressed=0
first_problem='' started=$(uptime_ms)
read_settings "$@"
[ "$DRY_RUN" != 0 ] || DRY_RUN=

for tool in awk cat cut date find head mv rm sed sort stat touch tr xargs; do
  command -v "$tool" >/dev/null || fail "missing tool: $tool"
done
now=$(date +%s)
CLOCK=$((now - ${CLOCK_JUMPED_BY:-0}))

# From here on every path is relative: whatever becomes of the name SHM_DIR, this stays the directory we are in.
cd "$SHM_DIR" 2>/dev/null || fail 'no such directory, or no permission to enter it'
[ -w . ] || fail 'the directory can not be written to'
look || fail 'its usage can not be read'
exec 3>&"${LOG_FD:-1}"
# A find that can delete does it closer to its tests than one that has to start rm.
if find . -maxdepth 0 -type l -delete 2>/dev/null; then REMOVAL='-delete -print'; else REMOVAL='-print -exec rm -f -- {} +'; fi
set_moments || fail 'moments can not be set: this find takes no time and /proc is not there'
export DRY_RUN REMOVAL REMOVE REMOVE_ODD REMOVE_EXPIRED READ CLOCK DEAD AGED OLD FLOOR

usage_before=$usage used_bytes_before=$used_bytes used_inodes_before=$used_inodes
if [ "$usage" -ge "$HIGH_WATERMARK_PERCENT" ]; then
  ! needs_relief || { run pass_of_relief && look; }
  run pass_under_pressure "$DRY_RUN" # nothing goes in a dry run, so that this pass has to tell all
  look
  [ "$usage" -lt $LOGIN_PERCENT ] || [ -n "$DRY_RUN" ] || run pass_under_pressure 1
elif [ -n "$METRICS_DIR" ]; then
  run pass_counting
else
  run pass_by_name
fi
look
ended=$(uptime_ms) && duration=$((ended - started))
publish

[ "$authenticated_pressed" -eq 0 ] || say "logins_removed level=warning count=$authenticated_pressed" \
  "reason=\"usage at or above $LOGIN_PERCENT % and no anonymous session older than $PRESSURE_FLOOR s left\""
removed=$((debris_gone + debris_pressed + anonymous_gone + anonymous_pressed + authenticated_gone + authenticated_pressed))
[ -z "${LOOP_NOTES:-}" ] || {
  printf '%s\n' "FILES=$files" "REMOVED=$removed" "ERRORS=$errors"
  for key in $NUMBERS; do eval "echo $key=\${$key}"; done
} >"$LOOP_NOTES"
say "sweep dir=$(clean "$SHM_DIR") usage_before_percent=$usage_before usage_after_percent=$usage" \
  "used_before_bytes=$used_bytes_before used_after_bytes=$used_bytes total_bytes=$total_bytes" \
  "inodes_before=$used_inodes_before inodes_after=$used_inodes total_inodes=$total_inodes" \
  "removed=$removed debris=$debris_gone expired_anonymous=$anonymous_gone expired_authenticated=$authenticated_gone" \
  "pressure_anonymous=$anonymous_pressed pressure_authenticated=$authenticated_pressed pressure_debris=$debris_pressed" \
  "errors=$errors duration_ms=$duration${DRY_RUN:+ dry_run=1}${first_problem:+ problem=\"$(clean "$first_problem")\"}"
