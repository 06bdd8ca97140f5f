# Runs the cleaner's loop (sidecar.sh) from SCRIPTS_DIR, a ConfigMap, and restarts it when the scripts there change. Scripts count
# only if they match the checksum beside them; until they do, the old loop runs on.
set -u
: "${SCRIPTS_DIR:?}" "${METRICS_DIR:?}"
rm -rf "$METRICS_DIR"/.scripts-* # left by a container that was killed
loop='' running='' problem=''

say() { printf 'time=%s event=%s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$*"; }
end_loop() { [ -z "$loop" ] || { kill "$loop" && wait "$loop"; }; }
trap 'end_loop; exit 0' TERM INT

# Copies the scripts, so that a sweep never meets a mix of old and new ones.
copy_scripts() {
  copy=$METRICS_DIR/.scripts-$wanted
  mkdir -p "$copy" && cp "$SCRIPTS_DIR/judge.awk" "$SCRIPTS_DIR/sidecar.sh" "$SCRIPTS_DIR/sweep.sh" "$copy" &&
    [ "$(cat "$copy/judge.awk" "$copy/sidecar.sh" "$copy/sweep.sh" | sha256sum)" = "$wanted  -" ]
} 2>/dev/null

while :; do
  wanted=''
  read -r wanted 2>/dev/null <"$SCRIPTS_DIR/sha256"
  if [ -n "$loop" ] && ! kill -0 "$loop" 2>/dev/null; then
    say loop_ended
    exit 1
  elif [ -n "$wanted" ] && [ "$wanted" = "$running" ]; then
    problem=''
  elif [ -n "$wanted" ] && copy_scripts; then
    say "scripts_loaded sha256=$wanted"
    end_loop
    rm -rf "$METRICS_DIR/.scripts-${running:-none}"
    sh "$copy/sidecar.sh" &
    loop=$! running=$wanted problem=''
  elif [ "$problem" != "no $wanted" ]; then
    say "scripts_not_loaded dir=$SCRIPTS_DIR problem=\"missing or incomplete\" running=${running:-none}"
    problem="no $wanted"
  fi
  sleep 10 &
  wait $!
done
