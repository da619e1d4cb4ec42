# Warnings of the house, for every target of ours, with gcc and clang. No fast-math, anywhere.
add_compile_options(-Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wundef -fno-fast-math)
add_compile_options($<$<COMPILE_LANGUAGE:C>:-Wstrict-prototypes> $<$<COMPILE_LANGUAGE:C>:-Wmissing-prototypes>
                    $<$<COMPILE_LANGUAGE:C>:-Wvla>)
if(STAPES_WERROR)
  add_compile_options(-Werror)
endif()
