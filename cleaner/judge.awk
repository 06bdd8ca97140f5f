# Judges every session that sweep.sh has listed, and removes what has to go. Reads a line of facts for each file:
#   mtime  mode (hex)  blocks  links  size  inode  ./name
# and prints NAME=VALUE words: what it found and did. Its mode is
#   guess    to find the class of age that has to go to make room, without reading: what it would have to read may be a visitor
#   measure  to find the classes for certain
#   sweep    to remove what is dead, and what is of those classes
#   press    to sweep, and to measure what is left
#   count    to count
# What has to go is given, and printed for the next walk, as an age and how much of that age:
#   visitor  visitors
#   urgent   visitors: only what is above login_percent, until enough of them are known to bring usage down
#   login    logins
# Runs on busybox awk, mawk and gawk. The memory it takes does not grow with the number of files.

BEGIN {
  READ_BATCH = 100000 # bytes of names in a command, for which Linux allows 128 KiB
  REMOVAL_BATCH = 26000 # the same; fewer, so that a flood finds room before all files are judged
  SMALL = 400 # bytes. A file of a Go outpost up to this size is a visitor, since the smallest possible login takes 696.
  alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
  for (i = 0; i < 64; i++) sextet[substr(alphabet, i + 1, 1)] = i
  for (i = 32; i < 127; i++) character[i] = sprintf("%c", i)
  removes = mode == "sweep" || mode == "press"
  measures = mode == "guess" || mode == "measure" || mode == "press"
  floor = pressure_floor
  if (low > login_percent) low = login_percent
  staying_bytes = used_bytes # without all that is known to be dead or a visitor
  staying_inodes = used_inodes
  aim("urgent", urgent)
  aim("visitor", visitor)
  aim("login", login)
}

NR % 500 == 1 { lower_floor() }
$7 == "." { listed = 1; next } # the end of the list
$2 !~ /^8/ { next }            # no longer a regular file
# The state of a file is debris, anonymous, authenticated, or in a guess unread. All but authenticated ones go like visitors.
{
  take_facts()
  if (size == 0 || is_staging) judge("debris")
  else if (size <= SMALL && length(name) == 62 && name ~ /^\.\/session_[A-Z2-7]+$/) judge("anonymous")
  else if (mode == "guess") judge("unread")
  else {
    unread[size_of["read"] + 1] = $0
    if (add("read", name)) read_beginnings()
  }
}

END {
  read_beginnings()
  remove_all()
  touch_future()
  printf "listed=%d problem=${problem:-'%s'} ", listed, first_problem
  print_sum("errors", errors)
  printf "anonymous=%d authenticated=%d debris=%d ", count["anonymous"], count["authenticated"], count["debris"]
  printf "young_logins=%d oldest=%.0f ", young_logins, oldest
  print_sum("debris_gone", gone["debris debris"])
  print_sum("debris_pressed", gone["debris pressure"])
  print_sum("anonymous_gone", gone["anonymous expired"])
  print_sum("anonymous_pressed", gone["anonymous pressure"])
  print_sum("authenticated_gone", gone["authenticated expired"])
  print_sum("authenticated_pressed", gone["authenticated pressure"])
  printf "urgent='' visitor='' login=''\n"
  if (measures) measure()
}

# Prints a count that the shell adds to that of earlier walks.
function print_sum(name, number) { printf "%s=$((%s + %d)) ", name, name, number }

function take_facts() {
  mtime = $1; blocks = $3; links = $4; size = $5; inode = $6; name = $7
  age = now - mtime
  is_staging = substr(name, 3, 1) == "."
  expires = 0
}

# Adds a name to a batch. Returns true if the batch is full.
function add(batch, name) {
  names[batch, ++size_of[batch]] = name
  return (bytes_of[batch] += length(name) + 1) > (batch == "read" ? READ_BATCH : REMOVAL_BATCH)
}
# Empties a batch, and returns its names with a blank before each. Joins them in two steps, because busybox awk copies the whole
# text several times for each word that it appends.
function take_all(batch,   i, some, all) {
  for (i = 1; i <= size_of[batch]; i++) {
    some = some " " names[batch, i]
    if (i % 30 == 0) { all = all some; some = "" }
  }
  size_of[batch] = bytes_of[batch] = 0
  return all some
}

# Runs a command, whose lines of output are output[1] to output[outputs]. Returns 0 if it did not finish: a status of 1 means that
# some files were gone. Reads the output as one record, because busybox awk looks up the whole command again for each record.
function run(command,   text, record, ended) {
  command = command "; [ $? -gt 1 ] || printf '\\nended'"
  RS = "\001"
  while ((command | getline record) > 0) text = text record
  RS = "\n"
  close(command)
  outputs = split(text, output, "\n")
  ended = output[outputs--] == "ended" # or the rest of a line that was cut off
  while (outputs > 0 && output[outputs] == "") outputs--
  return ended
}
function report(text) {
  errors++
  gsub(/[^A-Za-z0-9_.\/:,%=+() -]/, " ", text)
  if (first_problem == "") first_problem = substr(text, 1, 200)
}

# ---- What a session is. In doubt it is a login. ----

# Reads the first 64 bytes of each waiting file, which are enough however large it is, and judges it. One that could not be read
# stays whatever its age, as a login: only its beginning tells when it expires.
function read_beginnings(   i, waiting, current) {
  if (!(waiting = size_of["read"])) return
  for (i = 1; i <= waiting; i++) {
    heading["==> " names["read", i] " <=="] = i
    beginning[i] = ""
  }
  # A file was read if the heading of another follows. The status of busybox timeout does not show it: that is 1 for any failure.
  heading["==> /dev/null <=="] = waiting + 1
  # Without 3, the output of a dry run: busybox timeout leaves a process behind, which would keep it open for a second.
  run("timeout " read_limit " head -v -c 64" take_all("read") " /dev/null 2>/dev/null 3>&-")
  if (output[outputs] != "==> /dev/null <==") { report("files could not be read"); unfinished = 1 }
  # Headings come in the order of their numbers: any other that looks like one is text of a file.
  for (i = 1; i <= outputs; i++)
    if (output[i] in heading && heading[output[i]] > current) { was_read[current] = 1; current = heading[output[i]] }
    else if (current) beginning[current] = beginning[current] output[i]
  for (i = 1; i <= waiting; i++) {
    $0 = unread[i]
    take_facts()
    if (i in was_read) judge(state_of(beginning[i]))
    else count_staying("authenticated")
  }
  split("", heading); split("", was_read)
}

function state_of(text) {
  if (substr(text, 1, 1) == "{") return state_of_rust(text)
  return substr(text, 15, 2) == "xE" ? state_of_go(text) : "authenticated" # the end of "|D" in base64: each gob begins with D
}

# From 2026.8 on: {"expires":<Unix time>,"data":{"claims":{…} or null,…}}. A quote in an address is escaped.
function state_of_rust(text) {
  gsub(/[ \t\r]/, "", text)
  if (match(text, /^[{]"expires":[0-9]+[,}]/)) expires = substr(text, 12, RLENGTH - 12) + 0
  return index(text, "\"claims\":null") && !index(text, "\"claims\":{") ? "anonymous" : "authenticated"
}

# Up to 2026.5: base64 of "<10 digits>|<base64 of a gob>|<32 bytes>". The gob is a row of messages, each with its length in front:
# the type of a session, then the session. A login has more messages, with the types of its claims. So the length of
# the second message gives the size of the file if this is a visitor, and no address can change that. A file that is
# shorter was cut off when the directory was full, and is of no use to anyone.
function state_of_go(text,   start) {
  start = substr(text, 17, 44)
  if (!(start in visitor_size)) {
    if (++starts % 5000 == 0) split("", visitor_size)
    visitor_size[start] = size_of_visitor(start)
  }
  if (!visitor_size[start] || size > visitor_size[start]) return "authenticated"
  return size == visitor_size[start] ? "anonymous" : "debris"
}
function size_of_visitor(start,   inner, i, n, type_length, session_length) {
  n = decode(start)
  inner = "D" # state_of has found it
  for (i = 0; i < n; i++) inner = inner character[byte[i]]
  if (decode(inner) < 24) return 0
  type_length = byte[0]
  if (type_length > 17 || byte[type_length - 4] != 16 || byte[type_length - 2] != 16) return 0 # 16 is interface{}; a session is a map of two
  i = type_length + 1
  if (byte[i] < 128) session_length = byte[i++]
  else if (byte[i] < 252) return 0 # no length of at most four bytes
  else for (n = 256 - byte[i++]; n > 0; n--) session_length = session_length * 256 + byte[i++]
  return base64_length(11 + base64_length(i + session_length) + 33)
}
function base64_length(n) { return 4 * int((n + 2) / 3) }
function decode(text,   i, n, bits) { # into byte[0], byte[1] …
  n = 0
  for (i = 1; i + 3 <= length(text); i += 4) {
    bits = (sextet[substr(text, i, 1)] * 64 + sextet[substr(text, i + 1, 1)]) * 4096
    bits += sextet[substr(text, i + 2, 1)] * 64 + sextet[substr(text, i + 3, 1)]
    byte[n++] = int(bits / 65536)
    byte[n++] = int(bits / 256) % 256
    byte[n++] = bits % 256
  }
  return n
}

# ---- What becomes of it ----

function judge(state,   reason) {
  if (age < -60 && add("future", name)) touch_future()
  kind = state == "authenticated" ? "login" : "visitor"
  file_inodes = (links == 1) # the pages of a hard link stay when one of its names goes
  file_bytes = file_inodes * blocks * 512
  if (mode != "count") reason = reason_to_go(state)
  if (measures && state != "unread" && (reason != "" || kind == "visitor" && !is_staging)) {
    staying_bytes -= file_bytes
    staying_inodes -= file_inodes
  }
  if (reason == "" && removes && is_in_the_way()) reason = "pressure"
  if (measures && reason != "") free(file_bytes, file_inodes)
  else if (measures && !is_staging) hold()
  if (removes && reason != "") remove(state " " reason)
  else if (mode != "guess") count_staying(state)
}
function reason_to_go(state) {
  if (state == "debris") return age > debris_age ? "debris" : ""
  if (expires && expires <= now) return "expired"
  if (state != "authenticated" && age > anonymous_age) return "expired"
  return (!expires || ages_only) && age > authenticated_age ? "expired" : ""
}
function count_staying(state) {
  count[state]++
  if (state == "authenticated" && !expires && age < 3600) young_logins++ # for doctor, which finds clients that log in at each request
  if (state != "debris" && (!oldest || mtime < oldest)) oldest = mtime
}

# A class of age is a second, up to 1,024 of them. Beyond that it is ever longer, but never more than a 512th of the age.
function class_of(age,   halvings) {
  if (age < 0) age = 0
  for (halvings = 0; age >= 1024; halvings++) age = int(age / 2)
  return 512 * halvings + age
}

function hold(   class) {
  class = class_of(age)
  if (class > oldest_class) oldest_class = class
  if (age > floor) some_can_go[kind] = 1
  held_bytes[kind class] += file_bytes
  held_inodes[kind class] += file_inodes
  if (kind == "login") { all_login_bytes += file_bytes; all_login_inodes += file_inodes }
}
function free(bytes, inodes) { used_bytes -= bytes; used_inodes -= inodes }
function bytes_above(percent) { return above(percent, used_bytes, total_bytes) }
function inodes_above(percent) { return above(percent, used_inodes, total_inodes) }
function above(percent, used, total) { return total ? used - percent * total / 100 : -1 }

# True if usage would be below the high watermark without the visitors known so far, even those too young to go yet.
function visitors_suffice() { return above(high, staying_bytes, total_bytes) < 0 && above(high, staying_inodes, total_inodes) < 0 }

# If logins or the files of others alone keep usage at the high watermark, visitors would go down to the low one in vain: all of
# them, at every sweep. So then they only make the room that logins would have to make otherwise. Those go only if all visitors,
# even those too young to go yet, do not make enough, and if all logins together would.
function measure(   limit, bytes, inodes) {
  # A guess takes logins for visitors, so once its visitors have gone, usage is a little above the low watermark. Up to a tenth of
  # the way that is not worth another walk.
  limit = !("visitor" in target) ? high : low + (high - low) / 10
  if (bytes_above(limit) < 0 && inodes_above(limit) < 0) return
  if (mode == "guess") {
    bytes = used_bytes # make_room uses them up
    inodes = used_inodes
    make_room("visitor", visitors_suffice() ? low : login_percent, "urgent")
    used_bytes = bytes
    used_inodes = inodes
  }
  make_room("visitor", mode == "guess" || visitors_suffice() ? low : login_percent, "visitor")
  if (mode == "guess" || unfinished) return # visitors that could not be read are not among those
  if (bytes_above(login_percent) <= all_login_bytes + 0 && inodes_above(login_percent) <= all_login_inodes + 0)
    make_room("login", login_percent, "login")
}
# Prints the class at which usage gets down to the percentage if older ones go first, and how much of that class has to go.
function make_room(kind, percent, as,   class, bytes, inodes) {
  if (bytes_above(percent) <= 0 && inodes_above(percent) <= 0) return
  class = oldest_class + 1
  while (class > 0 && (bytes_above(percent) > 0 || inodes_above(percent) > 0)) {
    class--
    bytes = bytes_above(percent)
    inodes = inodes_above(percent)
    if (kind class in held_bytes) free(held_bytes[kind class], held_inodes[kind class])
  }
  if (kind in some_can_go) printf "%s='%d %.0f %.0f' ", as, class, bytes, inodes
}
# Takes what make_room has printed.
function aim(as, text,   number) {
  if (!split(text, number, " ")) return
  target[as] = number[1]
  most_bytes[as] = number[2]
  most_inodes[as] = number[3]
}
# The guess may have taken logins for visitors. So only what is urgent goes until enough visitors have been found.
function is_in_the_way(   goal, class) {
  if (age <= floor || is_staging) return 0
  goal = mode == "press" && kind == "visitor" && !visitors_suffice() ? "urgent" : kind
  if (!(goal in target)) return 0
  class = class_of(age)
  if (class < target[goal]) return 0
  if (class == target[goal] && pressed_bytes[kind class] >= most_bytes[goal] && pressed_inodes[kind class] >= most_inodes[goal]) return 0
  pressed_bytes[kind class] += file_bytes
  pressed_inodes[kind class] += file_inodes
  return 1
}

# Ages are those at the start of the sweep. Within a small CPU limit it takes seconds, in which visitors grow old enough to go.
function lower_floor(   up) {
  if ((getline up < "/proc/uptime") > 0) floor = pressure_floor - int((up * 1000 - started_ms) / 1000)
  close("/proc/uptime")
}

# Removes files in batches. Just before, it checks each one again: one that was saved since it was judged stays.
function remove(key) {
  judged[mtime " " inode " " name] = 1
  removals[key]
  if (add(key, name)) remove_all()
}
function remove_all(   key) { for (key in removals) remove_batch(key); split("", judged) }
function remove_batch(key,   i, all, going, word) {
  if (!(all = size_of[key])) return
  split(key, word) # state, reason
  vanished = 0
  if (dry) {
    going = all
    for (i = 1; i <= all && dry == 1; i++)
      print "would_remove=" substr(names[key, i], 3) " state=" word[1] " reason=" word[2] | "cat >&3"
    take_all(key)
  } else if (run("stat -c '%Y %i %n'" take_all(key) " 2>/dev/null")) {
    for (i = 1; i <= outputs; i++)
      if (output[i] in judged) add("unchanged", substr(output[i], index(output[i], "./")))
    if (going = size_of["unchanged"]) going -= complaints_of_rm(going)
  } else report("files could not be looked at again")
  gone[key] += going - vanished
  count[word[1]] += all - going
}
# Without -f, rm complains of a file that another sweep has removed meanwhile, and counts.
function complaints_of_rm(all,   i, stayed) {
  if (!run("rm --" take_all("unchanged") " 2>&1")) { report("files could not be removed"); return all }
  for (i = 1; i <= outputs; i++)
    if (output[i] ~ /: No such file or directory$/) vanished++
    else { report(output[i]); stayed++ }
  return stayed + 0
}

# A file from over a minute ahead was saved before the clock was put back. It counts as saved now.
function touch_future(   batch) {
  batch = take_all("future")
  if (batch != "" && removes && !dry && !run("touch -c -h --" batch " 2>/dev/null")) report("files could not be touched")
}
