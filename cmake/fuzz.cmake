# STAPES_FUZZ=ON (clang): everything is compiled with coverage for libFuzzer and with ASan and UBSan, and
# tests/fuzz gets a program fuzz_NAME for each target. Without it the targets only run their corpora.
option(STAPES_FUZZ "Build the libFuzzer programs (clang)" OFF)
if(STAPES_FUZZ)
  if(NOT CMAKE_C_COMPILER_ID MATCHES "Clang")
    message(FATAL_ERROR "STAPES_FUZZ needs clang: add -DCMAKE_C_COMPILER=clang -DCMAKE_CXX_COMPILER=clang++")
  endif()
  add_compile_options(-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined
                      -fno-omit-frame-pointer)
  add_link_options(-fsanitize=address,undefined)
endif()
