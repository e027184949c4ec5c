# Checks that Lua blocks are indented by 3 spaces each. usage: awk -f indent.awk FILE...; prints "FILE:LINE: what is wrong".
# The first line of a block (function, then, else, do, repeat) is indented by 3 spaces more than the line that opens the block, or
# than the first line of that statement. Later lines of the block that begin with a keyword of statements (local, if, return, ...)
# have the same indentation, and the line that closes the block has 3 spaces less. After a bracket at the end of a line, the next
# line is indented by 3 spaces too. Other continuation lines are not checked.

function finding(text) { print FILENAME ":" FNR ": " text }
function start_file() { depth = 0; heads = 0; long = ""; statement = 0; delete first }

# Returns the line without strings and comments. `long` is the closing bracket of a string or comment that goes over several lines,
# or "" outside of one.
function code_of(line,    out, at, rest, level) {
   out = ""
   while (line != "") {
      if (long != "") {
         at = index(line, long)
         if (!at) return out
         line = substr(line, at + length(long)); long = ""
         out = out "\"\""
      }
      if (!match(line, /["'\[]|--/)) return out line
      out = out substr(line, 1, RSTART - 1); line = substr(line, RSTART)
      if (match(line, /^(--)?\[=*\[/)) {
         level = RLENGTH - 2 - (substr(line, 1, 2) == "--" ? 2 : 0)
         line = substr(line, RLENGTH + 1); long = "]" substr("==========", 1, level) "]"
      } else if (substr(line, 1, 2) == "--") return out
      else if (match(line, /^"([^"\\]|\\.)*"/) || match(line, /^'([^'\\]|\\.)*'/)) { out = out "\"\""; line = substr(line, RLENGTH + 1) }
      else { out = out substr(line, 1, 1); line = substr(line, 2) }
   }
   return out
}

function open(kind, at) { depth++; kinds[depth] = kind; left[depth] = at; other[depth] = statement; first[depth] = -1; fresh = depth }

function close_one(own) {
   if (own && kinds[depth] == "block" && first[depth] >= 0 && indent != left[depth])
      finding("closes its block at column " indent ", not " left[depth])
   depth--
}

# Handles one word or bracket of the line. `own`: it is the first of its line.
function token(word, own) {
   if (word ~ /^(if|for|while)$/) head[++heads] = indent
   else if (word == "then" || word == "do") open("block", heads > 0 ? head[heads--] : indent)
   else if (word == "function" || word == "repeat") open("block", indent)
   else if (word == "else") { close_one(own); open("block", indent) }
   else if (word == "elseif") { close_one(own); head[++heads] = indent }
   else if (word == "end" || word == "until") close_one(own)
   else if (word ~ /^[({\[]$/) open("bracket", indent)
   else if (word ~ /^[)}\]]$/) close_one(own)
}

FNR == 1 { start_file() }
{
   inside = long != ""
   code = code_of($0)
   if (inside || code !~ /[^ \t]/) next # the rest of a long string, a comment, or an empty line
   if (/^ *\t/) finding("is indented by a tab")
   match($0, /^ */); indent = RLENGTH
   match(code, /[^ ]/); rest = substr(code, RSTART)
   word = match(rest, /^[A-Za-z_][A-Za-z_0-9]*/) ? substr(rest, 1, RLENGTH) : substr(rest, 1, 1)
   closes = word ~ /^(end|until|else|elseif|\)|}|\])$/
   starts = word ~ /^(local|if|for|while|repeat|return|break|goto)$/
   if (depth > 0 && !closes && first[depth] < 0 && (kinds[depth] == "block" || fresh == depth)) {
      if (indent == other[depth] + 3) left[depth] = other[depth]
      if (indent != left[depth] + 3)
         finding("begins a block at column " indent ", not " left[depth] + 3)
      first[depth] = indent
      if (kinds[depth] == "block") starts = 1
   } else if (starts && (depth == 0 || kinds[depth] == "block")) {
      want = depth == 0 ? 0 : first[depth]
      if (indent != want) finding("is indented by " indent " spaces, not " want)
   }
   if (starts || depth == 0) statement = indent
   fresh = 0; own = 1
   while (match(rest, /[A-Za-z_][A-Za-z_0-9]*|[(){}\[\]]/)) {
      token(substr(rest, RSTART, RLENGTH), own && RSTART == 1)
      own = 0
      rest = substr(rest, RSTART + RLENGTH)
      if (rest ~ /[^ ,;]/) fresh = 0 # text follows the bracket, so the next lines may be aligned freely
   }
}
