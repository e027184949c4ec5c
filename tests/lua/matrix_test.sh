# Tests the page that assay.studies.matrix writes: every recipe is in the table, and the recipe `best` is compared only with recipes
# of the same bits.
. "$(dirname "$0")/lib.sh"
here=$(cd "$(dirname "$0")" && pwd)

expect 0 run "$here/make_tiny.lua" "$work/model"
for i in $(seq 60); do echo "Line $i: the quick brown fox jumps over $((i * 7)) lazy dogs."; done >"$work/text.txt"
for i in $(seq 60); do echo "Row $i holds $((i * 13)) parcels for the harbour, none of them heavy."; done >"$work/other.txt"

expect 0 run "$here/matrix_study.lua" "$work/model" "$work/text.txt" "$work/other.txt" --out "$work/run" --quiet
page=$(cat "$work/run/matrix.md")
contains "$page" "| rtn W3 g16 | - | 4.00 |"
contains "$page" "| opt_rtn W3 g16 | letters | 4.00 |"
contains "$page" "4.00 bits, calibrated on letters: best W3 g16 (letters) against**"
[ "$(grep -c '^| rtn W3 g32' <<<"$page")" = 1 ] || fail "a row of other bits is compared: $page"
[ "$(grep -c '^| rtn W3 g16' <<<"$page")" = 2 ] || fail "a data-free row of the same bits is not compared: $page"
contains "$page" "/A8 bits, calibrated on letters: best W8A8 per channel untuned (letters) against**"
# Gate P2 checks that a recipe changes only the tensors that it declares. Tuning and rotation (quarot) declare theirs, so it passes.
gates=$(grep '^| P2 ' "$work/run/report.md")
[ "$(grep -c '| passed | best W3 g16 (letters) |' <<<"$gates")" = 1 ] || fail "no gate for the tuned recipe: $gates"
[ "$(grep -c '| passed | quarot' <<<"$gates")" = 1 ] || fail "no gate for the rotated model: $gates"
! grep -q '| failed |' <<<"$gates" || fail "undeclared tensors: $gates"
contains "$page" "## Worse than plain rounding"
finish
