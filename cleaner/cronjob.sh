#!/bin/sh
# Sweeps the outposts' pods from outside, by kubectl exec; for a CronJob in the outposts' namespace.
#
#   sh cronjob.sh SWEEP-TEXT     the text of sweep.sh
#
#   NAMESPACE                    the outposts' namespace
#   OUTPOSTS                     a line for each outpost: its Deployment and container, then KEY=value settings of the sweep
#   USAGE_CRITICAL_PERCENT       a pod fails if so much or more of its /dev/shm is in use after the sweep
#   PARALLEL             8       pods at once
#   POD_TIMEOUT_SECONDS  120     for one pod
#
# Prints one key=value line a pod. What a pod says is data: no more than OUTPUT_LIMIT of it is read, and it can neither add a word
# to its line nor a line of its own. Goes on past a pod that fails, and then exits with status 1. So it does if a Deployment
# wants pods and none runs. A pod that does not run yet, or no longer, has no sessions, and is skipped.
set -u
LC_ALL=C
export LC_ALL

SWEEP=${1:?the text of sweep.sh is missing}
: "${NAMESPACE:?}" "${OUTPOSTS:?}" "${USAGE_CRITICAL_PERCENT:?}" "${PARALLEL:=8}" "${POD_TIMEOUT_SECONDS:=120}"
OUTPUT_LIMIT=65536 # bytes of one pod. A sweep prints less than one kilobyte.
export SWEEP NAMESPACE USAGE_CRITICAL_PERCENT POD_TIMEOUT_SECONDS OUTPUT_LIMIT

# A bar begins each line of data. Any other line is a warning of kubectl's, such as that of an API that does not answer.
data() { sed -n 's/^|//p'; }

# Name, phase, deletion time, ready ("True"), and all containers that may be running, native sidecars included.
TEMPLATE='{range .items[*]}{"|"}{.metadata.name}{"|"}{.status.phase}{"|"}{.metadata.deletionTimestamp}{"|"}'
TEMPLATE=$TEMPLATE'{.status.conditions[?(@.type=="Ready")].status}{"|"}'
TEMPLATE=$TEMPLATE'{.spec.containers[*].name} {.spec.initContainers[*].name}{"\n"}{end}'

# The wanted number of pods, and the Deployment's own selector as kubectl takes it, with a comma behind each requirement.
# shellcheck disable=SC2016 # the variables are the template's
DEPLOYMENT='|{{.spec.replicas}}|{{range $key, $value := .spec.selector.matchLabels}}{{$key}}={{$value}},{{end}}'
DEPLOYMENT=$DEPLOYMENT'{{range .spec.selector.matchExpressions}}{{if eq .operator "Exists"}}{{.key}},{{else if eq .operator "DoesNotExist"}}!{{.key}},'
# shellcheck disable=SC2016
DEPLOYMENT=$DEPLOYMENT'{{else}}{{.key}} {{if eq .operator "In"}}in{{else}}notin{{end}} ({{range $n, $value := .values}}{{if $n}},{{end}}{{$value}}{{end}}),{{end}}{{end}}{{"\n"}}'

# "DEPLOYMENT POD PHASE READY CONTAINER SETTING…": one pod.
# shellcheck disable=SC2016 # a script for the shells that xargs starts
SWEEP_POD='
set -f
set -- $1
deployment=$1 pod=$2 phase=$3 ready=$4 container=$5
shift 5
say() { echo "time=$(date -u +%Y-%m-%dT%H:%M:%SZ) deployment=$deployment pod=$pod container=$container $*"; }
skip() { say "result=skipped reason=\"$1\""; exit 0; }
fail() { say "result=failed reason=\"$1\"${2:+ $2}"; exit 1; } # REASON [WORDS]
case $phase in Running) ;; Pending) skip "the pod is $phase, not Running" ;; *) fail "the pod is $phase, not Running" ;; esac
# Text without quotes and control characters, as the value of one word.
quoted() { tr "\042" "\047" | tr -c "A-Za-z0-9_./:,%=+() \047\n-" "?"; }
said=$({
  timeout "$POD_TIMEOUT_SECONDS" kubectl exec --namespace "$NAMESPACE" "$pod" --container "$container" -- \
    sh -c "$SWEEP" sweep "$@" 2>&1
  echo "status=$?"
} | head -c "$OUTPUT_LIMIT")
status=${said##*status=} said=${said%status=*}
# Beyond the limit, what stands for the status is text of the pod. The shell has dropped zero bytes and newlines at its end.
case $status in "" | *[!0-9]* | ????*) status="" ;; esac
[ -n "$status" ] && [ ${#said} -lt $((OUTPUT_LIMIT - 16)) ] || fail "it printed more than $OUTPUT_LIMIT bytes"
# The words of the line that the sweep prints: numbers, the directory, and maybe a problem in quotes.
line=$(echo "$said" | sed -n "s/^time=[^ ]* event=sweep //p" | tail -n 1)
swept=$(echo "$line" | tr " " "\n" | grep -E "^([a-z_]+=[0-9]+|dir=[a-z/]+)$" | tr "\n" " ")
problem=$(echo "$line" | sed -n "s/.* problem=\"\(.*\)\"$/\1/p" | quoted)
if [ "$status" -eq 0 ] && [ -n "$swept" ]; then
  echo "$said" | sed "/^time=[^ ]* event=sweep /d; s/^time=[^ ]* //" | quoted | head -n 20 | while read -r line; do
    [ -z "$line" ] || say "says=\"$line\""
  done
  usage=$(echo "$swept" | sed -n "s/.*usage_after_percent=\([0-9]\{1,3\}\).*/\1/p")
  swept="${swept% }${problem:+ problem=\"$problem\"}"
  [ "${usage:-0}" -lt "$USAGE_CRITICAL_PERCENT" ] ||
    fail "/dev/shm is still $usage % full after the sweep (usageCritical is $USAGE_CRITICAL_PERCENT)" "$swept"
  say "result=swept $swept"
  exit 0
fi
reason=$(echo "$said" | grep . | tail -n 1 | quoted)
case "$reason" in # of kubectl, if the pod has ended since it was listed
  "Error from server (NotFound): pods "?"$pod"?" not found" | "error: cannot exec into a container in a completed pod"*) skip "$reason" ;;
esac
case "$status $said" in
  124* | 143*) reason="no answer within $POD_TIMEOUT_SECONDS s" ;;
  *"missing tool: "*) reason="the container lacks a tool: $(echo "${said##*missing tool: }" | head -n 1 | tr -d "\042" | quoted)" ;;
  *"executable file not found"* | *"no such file or directory"*) reason="the container has no shell" ;;
esac
[ "$ready" = True ] || reason="$reason (the pod is not ready)"
say "result=failed status=$status reason=\"$reason\""
exit 1'

# A line for each pod to sweep, as SWEEP_POD takes it. Says why if there is none, and fails if there should be.
pods_of() { # DEPLOYMENT CONTAINER SETTING…
  deployment=$1 outpost_container=$2
  shift 2
  wanted=$(kubectl get deployment "$deployment" --namespace "$NAMESPACE" --output "go-template=$DEPLOYMENT" 2>&1) ||
    { failed "$(echo "$wanted" | tail -n 1)"; return 1; }
  wanted=$(echo "$wanted" | data) selector=${wanted#*|}
  pods=$(kubectl get pods --namespace "$NAMESPACE" --selector "${selector%,}" --output "jsonpath=$TEMPLATE" 2>&1) ||
    { failed "$(echo "$pods" | tail -n 1)"; return 1; }
  work=$(echo "$pods" | data | while IFS='|' read -r pod phase deleted ready containers; do
    case $pod:$deleted:$phase in :* | *:?*:* | *:Succeeded | *:Failed) continue ;; esac
    case " $containers " in *' shm-cleanup '*) container=shm-cleanup ;; *) container=$outpost_container ;; esac
    echo "$deployment $pod ${phase:-Unknown} ${ready:-Unknown} $container $*"
  done)
  case $work:${wanted%%|*} in
    :0) say "deployment=$deployment result=no_pods" >&3 ;;
    *' Running '*:* | *:0) echo "$work" ;;
    *) failed "it wants ${wanted%%|*} pods and none runs"; echo "$work"; return 1 ;;
  esac
}

say() { echo "time=$(date -u +%Y-%m-%dT%H:%M:%SZ) $*"; }
failed() { say "deployment=$deployment result=failed reason=\"$(echo "$1" | tr "\042" "\047" | tr -d "\r")\"" >&3; }

set -f # the settings of an outpost are words, never patterns
exec 3>&1
status=0 all=''
while read -r outpost; do
  [ -n "$outpost" ] || continue
  # shellcheck disable=SC2086
  pods=$(pods_of $outpost) || status=1
  all="$all${pods:+$pods
}"
done <<OUTPOSTS
$OUTPOSTS
OUTPOSTS

printf '%s' "$all" | xargs -r -P "$PARALLEL" -I @pod@ sh -c "$SWEEP_POD" sweep_pod @pod@ || status=1
exit $status
