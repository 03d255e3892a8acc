# Shell functions shared by the scripts in tools/: steps with their times, logs and messages.

say() { printf '%s\n' "$*"; }

# give_up MESSAGE...: one line per argument, then stop
give_up() {
  printf '\n' >&2
  printf '%s\n' "$@" >&2
  exit 1
}

# print_help SCRIPT: the comment at its top
print_help() { sed -n '2,/^[^#]/{/^#/s/^# \{0,1\}//p}' "$1"; }

# seconds as "7 s" or "2 min 5 s"
duration() {
  if [ "$1" -lt 60 ]; then printf '%d s' "$1"; else printf '%d min %d s' $(($1 / 60)) $(($1 % 60)); fi
}

# show_progress FILE HEAD: behind HEAD, on a terminal, ninja's last [n/m] in FILE, until killed
show_progress() {
  local count
  while sleep 1 && kill -0 $$ 2> /dev/null; do
    count=$(tail -n 1 "$1" 2> /dev/null | sed -n 's/^\(\[[0-9]*\/[0-9]*\]\).*/\1/p')
    [ -z "$count" ] || printf '\r%s%s\033[K' "$2" "$count"
  done
}

# step NAME "WHAT IT DOES" "HOW LONG ABOUT" COMMAND...: runs COMMAND with its output in
# $log/NAME.log, says what and how long; on failure shows the end of the log and stops
step() {
  local name=$1 what=$2 about=$3 start=$SECONDS status
  shift 3
  mkdir -p "$log"
  local head="==> $what ($about) ... " watcher=
  printf '%s' "$head"
  if [ -t 1 ]; then
    show_progress "$log/$name.log" "$head" &
    watcher=$!
  fi
  set +e    # not ||, under which the shell would go on after an error inside of COMMAND
  (set -e; "$@") > "$log/$name.log" 2>&1 < /dev/null
  status=$?
  set -e
  if [ -n "$watcher" ]; then
    kill "$watcher" 2> /dev/null || true
    wait "$watcher" 2> /dev/null || true
    printf '\r%s\033[K' "$head"
  fi
  if [ "$status" -eq 0 ]; then
    say "$(duration $((SECONDS - start)))"
    return
  fi
  say "FAILED after $(duration $((SECONDS - start)))"
  tail -n 30 "$log/$name.log" >&2
  give_up "$what: failed with exit status $status." "The end of the log is above, all of it is in $log/$name.log"
}

done_already() { say "==> $1: there already"; }

# is_stamped FILE TEXT: whether the step that wrote FILE was done for the same TEXT
is_stamped() { [ -f "$1" ] && [ "$(cat "$1")" = "$2" ]; }
