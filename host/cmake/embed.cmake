# Writes a file as string literals of C++: cmake -D FROM=page.html -D TO=page_html.inc -P embed.cmake
file(READ ${FROM} text)
string(REPLACE ")page_end\"" ") page_end\"" text "${text}")
string(LENGTH "${text}" length)
set(out "")
set(at 0)
while(at LESS length)                   # compilers need not take literals of more than 64 KB
  string(SUBSTRING "${text}" ${at} 12000 piece)
  string(APPEND out "R\"page_end(${piece})page_end\"\n")
  math(EXPR at "${at} + 12000")
endwhile()
file(WRITE ${TO} "${out}")
