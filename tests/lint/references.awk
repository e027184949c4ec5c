# Finds names of files in comments and documents that are not in the repository, and numbers of sections that no heading has.
# Input: first the file that the variable `names` names, with a line NAME TAB PATH for each known file, then the sources to check.
# Only names of sources and documents are checked: names of data files are mostly the user's. A name with capitals, such as
# NAME.lua, is a placeholder and is not checked, except documents such as README.md.
FILENAME == names { split($0, pair, "\t"); known[pair[1]] = 1; paths[pair[1]] = pair[2]; next }

# Returns the part of a line that people read: the whole line of a document, only the comment of a source.
function prose(line, file) {
  if (file ~ /\.md$/) return line
  if (file ~ /\.lua$/) return match(line, /--/) ? substr(line, RSTART) : ""
  if (file ~ /\.(sh|py|cmake|txt)$/) return match(line, /(^|[ \t])#/) ? substr(line, RSTART) : ""
  if (match(line, /(^|[ \t])\/\/|\/\*|^ *\*/)) return substr(line, RSTART)
  return ""
}

function has_heading(document, section,    line, found, level) {
  if (!((document, section) in heading)) {
    level = section
    gsub(/\./, "\\.", level)
    found = 0
    while ((getline line < paths[document]) > 0) if (line ~ "^#+ *(§)?" level "[. ]") found = 1
    close(paths[document])
    heading[document, section] = found
  }
  return heading[document, section]
}

{
  text = prose($0, FILENAME)
  if (text == "") next
  while (match(text, /[A-Za-z0-9_.*\/{},-]*[A-Za-z0-9_*}]\.(md|cpp|hpp|cu|cuh|lua|sh|cmake)/)) {
    name = substr(text, RSTART, RLENGTH)
    text = substr(text, RSTART + RLENGTH)
    base = name
    sub(/.*\//, "", base)
    if (text ~ /^[A-Za-z0-9_]/ || base ~ /^[.]/) continue
    if (base ~ /[A-Z*{},]/ && base !~ /^[A-Z_]+\.md$/) continue
    if (!(base in known)) { print FILENAME ":" FNR ": there is no file " name; continue }
    if (base ~ /\.md$/ && match(text, /^,? *(§+ *|sections? |points? )?[0-9]+(\.[0-9]+)*/)) {
      section = substr(text, RSTART, RLENGTH)
      sub(/^[^0-9]*/, "", section)
      if (!has_heading(base, section)) print FILENAME ":" FNR ": " base " has no heading " section
    }
  }
}
