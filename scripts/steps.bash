# Steps of a script: one line each, with the time it took; the output only if it fails.
# Sourced by scripts/test, scripts/demo, scripts/check-style and .ci/run.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
logs=$root/build/logs
jobs=$(nproc)

# seconds_since START: START is a value of EPOCHREALTIME.
seconds_since() {
  awk -v from="${1/,/.}" -v to="${EPOCHREALTIME/,/.}" 'BEGIN { printf "%.1f", to - from }'
}

# step NAME COMMAND...: runs COMMAND in the project's root; its output goes to a log. If it fails,
# the end of the log is shown, and the script ends with COMMAND's status.
step() {
  local name=$1 started=$EPOCHREALTIME status=0
  shift
  local log=$logs/${name//[^a-zA-Z0-9]/_}.log
  mkdir -p "$logs"
  printf '%-28s ' "$name"
  (cd "$root" && "$@") >"$log" 2>&1 || status=$?
  if ((status == 0)); then
    printf 'ok      %7s s\n' "$(seconds_since "$started")"
    return 0
  fi
  printf 'FAILED  %7s s\n' "$(seconds_since "$started")"
  tail -n "${STEP_LOG_LINES:-80}" "$log" >&2
  printf '\n%s failed with status %d; all of its output: %s\n' "$name" "$status" "$log" >&2
  exit "$status"
}

# show_line PATTERN NAME: prints the lines of step NAME's log that match, indented.
show_line() {
  grep -E -- "$1" "$logs/${2//[^a-zA-Z0-9]/_}.log" | sed 's/^/  /' || true
}
