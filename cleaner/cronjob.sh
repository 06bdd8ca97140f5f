#!/bin/sh
# Sweeps the outposts' pods from outside, by kubectl exec; for a CronJob in the outposts' namespace.
#
#   sh cronjob.sh SWEEP-TEXT     the text of sweep.sh
#
#   NAMESPACE                    the outposts' namespace
#   OUTPOSTS                     a line for each outpost: its slug, then KEY=value settings of the sweep
#   PARALLEL             8       pods at once
#   POD_TIMEOUT_SECONDS  120     for one pod
#
# Prints one key=value line a pod. Goes on past a pod that fails, and then exits with status 1.
set -u
LC_ALL=C
export LC_ALL

SWEEP=${1:?the text of sweep.sh is missing}
: "${NAMESPACE:?}" "${OUTPOSTS:?}" "${PARALLEL:=8}" "${POD_TIMEOUT_SECONDS:=120}"
export SWEEP NAMESPACE POD_TIMEOUT_SECONDS

# Name, phase, deletion time, ready ("True"), and all containers that may be running, native sidecars included.
TEMPLATE='{range .items[*]}{.metadata.name}{"|"}{.status.phase}{"|"}{.metadata.deletionTimestamp}{"|"}'
TEMPLATE=$TEMPLATE'{.status.conditions[?(@.type=="Ready")].status}{"|"}'
TEMPLATE=$TEMPLATE'{.spec.containers[*].name} {.spec.initContainers[*].name}{"\n"}{end}'

# "OUTPOST POD PHASE READY CONTAINER SETTING…": one pod.
# shellcheck disable=SC2016 # a script for the shells that xargs starts
SWEEP_POD='
set -f -- $1
outpost=$1 pod=$2 phase=$3 ready=$4 container=$5
shift 5
say() { echo "time=$(date -u +%Y-%m-%dT%H:%M:%SZ) outpost=$outpost pod=$pod container=$container $*"; }
if [ "$phase" != Running ]; then
  say "result=failed reason=\"the pod is $phase, not Running\""
  exit 1
fi
said=$(timeout "$POD_TIMEOUT_SECONDS" kubectl exec --namespace "$NAMESPACE" "$pod" --container "$container" -- \
  sh -c "$SWEEP" sweep "$@" 2>&1)
status=$?
swept=$(echo "$said" | sed -n "s/^time=[^ ]* event=sweep //p")
if [ $status -eq 0 ] && [ -n "$swept" ]; then
  echo "$said" | sed -n "/^time=[^ ]* event=sweep /!p" | while read -r line; do say "${line#time=* }"; done
  say "result=swept $swept"
  exit 0
fi
reason=$(echo "$said" | tail -n 1 | tr "\042" "\047" | tr -c "A-Za-z0-9_./:,%=+() \047\n-" "?")
case "$status $said" in
  124* | 143*) reason="no answer within $POD_TIMEOUT_SECONDS s" ;;
  *"missing tool: "*) reason="the container lacks a tool: $(echo "${said##*missing tool: }" | tr -d "\042")" ;;
  *"executable file not found"* | *"no such file or directory"*) reason="the container has no shell" ;;
esac
[ "$ready" = True ] || reason="$reason (the pod is not ready)"
say "result=failed status=$status reason=\"$reason\""
exit 1'

# A line for each pod to sweep, as SWEEP_POD takes it.
pods_of() { # OUTPOST SETTING…
  outpost=$1
  shift
  selector="goauthentik.io/outpost-type=proxy,goauthentik.io/outpost-name=$outpost"
  pods=$(kubectl get pods --namespace "$NAMESPACE" --selector "$selector" --output "jsonpath=$TEMPLATE") || return 1
  [ -n "$pods" ] || say "outpost=$outpost result=no_pods selector=\"$selector\"" >&3
  echo "$pods" | while IFS='|' read -r pod phase deleted ready containers; do
    case $pod:$deleted:$phase in :* | *:?*:* | *:Succeeded | *:Failed) continue ;; esac
    case " $containers " in *' shm-cleanup '*) container=shm-cleanup ;; *) container=proxy ;; esac
    echo "$outpost $pod ${phase:-Unknown} ${ready:-Unknown} $container $*"
  done
}

say() { echo "time=$(date -u +%Y-%m-%dT%H:%M:%SZ) $*"; }

set -f # the settings of an outpost are words, never patterns
exec 3>&1
failed=0 work=''
while read -r outpost settings; do
  [ -n "$outpost" ] || continue
  # shellcheck disable=SC2086
  if pods=$(pods_of "$outpost" $settings); then
    work="$work${pods:+$pods
}"
  else
    say "outpost=$outpost result=failed reason=\"its pods can not be listed\""
    failed=1
  fi
done <<OUTPOSTS
$OUTPOSTS
OUTPOSTS

printf '%s' "$work" | xargs -r -P "$PARALLEL" -I @pod@ sh -c "$SWEEP_POD" sweep_pod @pod@ || failed=1
exit $failed
