#!/bin/sh
# Sweeps one pod by kubectl exec, and prints one line of key=value words about it. Fails if the pod could not be swept, or is too
# full even so. A pod that does not run yet, or no longer, has no sessions, and is skipped.
#
#   sh sweepPod.sh "DEPLOYMENT POD PHASE READY CONTAINER SETTING…"
#
# SWEEP, NAMESPACE, USAGE_CRITICAL_PERCENT and POD_TIMEOUT_SECONDS come from cronjob.sh. What the pod says is data: no more than
# OUTPUT_LIMIT of it is read, and it can neither add a word to its line nor a line of its own.
set -f
# shellcheck disable=SC2086
set -- $1
deployment=$1 pod=$2 phase=$3 ready=$4 container=$5
shift 5
OUTPUT_LIMIT=65536 # bytes. A sweep prints less than one kilobyte.

say() { echo "time=$(date -u +%Y-%m-%dT%H:%M:%SZ) deployment=$deployment pod=$pod container=$container $*"; }
skip() { say "result=skipped reason=\"$1\""; exit 0; }
fail() { say "result=failed reason=\"$1\"${2:+ $2}"; exit 1; } # REASON [WORDS]
# Text without double quotes and control characters, as the value of one word.
quoted() { tr '"' "'" | tr -c "A-Za-z0-9_./:,%=+() '\n-" '?'; }

case $phase in Running) ;; Pending) skip "the pod is $phase, not Running" ;; *) fail "the pod is $phase, not Running" ;; esac
said=$({
  timeout "$POD_TIMEOUT_SECONDS" kubectl exec --namespace "$NAMESPACE" "$pod" --container "$container" -- \
    sh -c "$SWEEP" sweep "$@" 2>&1
  echo "status=$?"
} | head -c "$OUTPUT_LIMIT")
# By sed, since a shell takes seconds for a long text. One that reaches the limit was cut off, and ends in the pod's words instead of
# the status. The 16 bytes are for the status, and for newlines and zero bytes, which the shell drops.
status=$(printf '%s\n' "$said" | tail -n 1 | sed -n 's/.*status=\([0-9]\{1,3\}\)$/\1/p')
said=${said%status=*}
[ -n "$status" ] && [ ${#said} -lt $((OUTPUT_LIMIT - 16)) ] || fail "it printed more than $OUTPUT_LIMIT bytes"

# The words of the line that the sweep prints: numbers, the directory, and maybe a problem in quotes.
line=$(printf '%s\n' "$said" | sed -n 's/^time=[^ ]* event=sweep //p' | tail -n 1)
swept=$(echo "$line" | tr ' ' '\n' | grep -E '^([a-z_]+=[0-9]+|dir=[a-z/]+)$' | tr '\n' ' ')
problem=$(echo "$line" | sed -n 's/.* problem="\(.*\)"$/\1/p' | quoted)
if [ "$status" -eq 0 ] && [ -n "$swept" ]; then
  printf '%s\n' "$said" | sed '/^time=[^ ]* event=sweep /d; s/^time=[^ ]* //' | quoted | head -n 20 | while read -r line; do
    [ -z "$line" ] || say "says=\"$line\""
  done
  usage=$(echo "$swept" | sed -n 's/.*usage_after_percent=\([0-9]\{1,3\}\).*/\1/p')
  swept="${swept% }${problem:+ problem=\"$problem\"}"
  [ "${usage:-0}" -lt "$USAGE_CRITICAL_PERCENT" ] ||
    fail "/dev/shm is still $usage % full after the sweep (usageCritical is $USAGE_CRITICAL_PERCENT)" "$swept"
  say "result=swept $swept"
  exit 0
fi

reason=$(printf '%s\n' "$said" | grep . | tail -n 1 | quoted)
case $reason in # of kubectl, if the pod has ended since it was listed
  'Error from server (NotFound): pods '?"$pod"?' not found' | 'error: cannot exec into a container in a completed pod'*) skip "$reason" ;;
esac
case "$status $said" in
  124* | 143*) reason="no answer within $POD_TIMEOUT_SECONDS s" ;;
  *'missing tool: '*) reason="the container lacks a tool: $(printf '%s\n' "$said" | sed -n 's/.*missing tool: //p' | tail -n 1 | tr -d '"' | quoted)" ;;
  *'executable file not found'* | *'no such file or directory'*) reason='the container has no shell' ;;
esac
[ "$ready" = True ] || reason="$reason (the pod is not ready)"
say "result=failed status=$status reason=\"$reason\""
exit 1
