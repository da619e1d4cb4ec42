# cmake -DOUTPUT=x.c -DBASE=folder -DFILES=a;b -P embed.cmake: a C file with the bytes of each file, so that the
# program carries them. A table of {name, bytes, size}, the name relative to BASE.
set(arrays "")
set(rows "")
set(index 0)
foreach(file ${FILES})
  file(READ ${BASE}/${file} hex HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
  string(REGEX REPLACE "((0x..,){24})" "\\1\n    " bytes "${bytes}")
  string(LENGTH "${hex}" length)
  math(EXPR length "${length} / 2")
  string(APPEND arrays "static const unsigned char file_${index}[] = {\n    ${bytes}0};\n")
  string(APPEND rows "    {\"${file}\", (const char *)file_${index}, ${length}},\n")
  math(EXPR index "${index} + 1")
endforeach()
file(WRITE ${OUTPUT} "/* Made by cmake/embed.cmake. */\n#include \"cli/new.h\"\n\n${arrays}\n"
  "const st_new_file st_new_files[] = {\n${rows}};\nconst unsigned st_new_files_count = ${index};\n")
