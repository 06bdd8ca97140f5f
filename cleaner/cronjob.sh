#!/bin/sh
# Sweeps the outposts' pods from outside, by kubectl exec; for a CronJob in the outposts' namespace.
#
#   sh cronjob.sh SWEEP-TEXT     the text of sweep.sh, with that of judge.awk in it
#
#   NAMESPACE                    the outposts' namespace
#   OUTPOSTS                     a line for each outpost: its Deployment and container, then KEY=value settings of the sweep
#   USAGE_CRITICAL_PERCENT       a pod fails if so much or more of its /dev/shm is in use after the sweep
#   PARALLEL             8       pods at once
#   POD_TIMEOUT_SECONDS  120     for one pod
#
# Prints one key=value line a pod, by sweepPod.sh. Goes on past a pod that fails, and then exits with status 1. So it does if a
# Deployment wants pods and none runs.
set -u
LC_ALL=C
export LC_ALL

SWEEP=${1:?the text of sweep.sh is missing}
SWEEP_POD=$(cat "$(dirname "$0")/sweepPod.sh")
: "${NAMESPACE:?}" "${OUTPOSTS:?}" "${USAGE_CRITICAL_PERCENT:?}" "${PARALLEL:=8}" "${POD_TIMEOUT_SECONDS:=120}"
export SWEEP NAMESPACE USAGE_CRITICAL_PERCENT POD_TIMEOUT_SECONDS

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

# A line for each pod to sweep, as sweepPod.sh takes it. Says why if there is none, and fails if there should be.
pods_of() { # DEPLOYMENT CONTAINER SETTING…
  deployment=$1 outpost_container=$2
  shift 2
  wanted=$(kubectl get deployment "$deployment" --namespace "$NAMESPACE" --output "go-template=$DEPLOYMENT" 2>&1) ||
    { failed "$(echo "$wanted" | tail -n 1)"; return 1; }
  wanted=$(echo "$wanted" | data) selector=${wanted#*|}
  pods=$(kubectl get pods --namespace "$NAMESPACE" --selector "${selector%,}" --output "jsonpath=$TEMPLATE" 2>&1) ||
    { failed "$(echo "$pods" | tail -n 1)"; return 1; }
  work=$(echo "$pods" | data | while IFS='|' read -r pod phase deleted ready containers; do
    [ -n "$pod" ] && [ -z "$deleted" ] || continue
    case $phase in Succeeded | Failed) continue ;; esac
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

printf '%s' "$all" | xargs -r -P "$PARALLEL" -I @pod@ sh -c "$SWEEP_POD" sweepPod.sh @pod@ || status=1
exit $status
