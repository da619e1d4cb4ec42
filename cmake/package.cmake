# What others build with: stapes.pc and a CMake package, both relocatable, and the data of the package.
# The build tree has the .pc and the headers in the same places, so that `stapes new` works before anything
# is installed.
file(RELATIVE_PATH STAPES_PC_TO_PREFIX "/${CMAKE_INSTALL_LIBDIR}/pkgconfig" "/")
string(REGEX REPLACE "/$" "" STAPES_PC_TO_PREFIX "${STAPES_PC_TO_PREFIX}")
set(package_files ${CMAKE_BINARY_DIR}/${CMAKE_INSTALL_LIBDIR}/pkgconfig)
foreach(name stapes stapes-kit)
  configure_file(cmake/${name}.pc.in ${package_files}/${name}.pc @ONLY)
  install(FILES ${package_files}/${name}.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
endforeach()
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/${CMAKE_INSTALL_INCLUDEDIR})
file(CREATE_LINK ${CMAKE_SOURCE_DIR}/core/include/stapes ${CMAKE_BINARY_DIR}/${CMAKE_INSTALL_INCLUDEDIR}/stapes SYMBOLIC)

include(CMakePackageConfigHelpers)
set(STAPES_CONFIG_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/stapes)
install(EXPORT stapes-targets NAMESPACE stapes:: DESTINATION ${STAPES_CONFIG_DIR})
configure_package_config_file(cmake/stapes-config.cmake.in ${CMAKE_BINARY_DIR}/stapes-config.cmake
  INSTALL_DESTINATION ${STAPES_CONFIG_DIR} PATH_VARS CMAKE_INSTALL_INCLUDEDIR)
write_basic_package_version_file(${CMAKE_BINARY_DIR}/stapes-config-version.cmake COMPATIBILITY SameMajorVersion)
install(FILES ${CMAKE_BINARY_DIR}/stapes-config.cmake ${CMAKE_BINARY_DIR}/stapes-config-version.cmake
  DESTINATION ${STAPES_CONFIG_DIR})

foreach(folder pipelines models)
  if(IS_DIRECTORY ${CMAKE_SOURCE_DIR}/${folder})
    install(DIRECTORY ${folder} DESTINATION ${STAPES_DATA_INSTALL_DIR})
  endif()
endforeach()

if(IS_DIRECTORY ${CMAKE_SOURCE_DIR}/examples/audio)
  install(DIRECTORY examples/audio DESTINATION ${STAPES_DATA_INSTALL_DIR}/examples)
endif()

# Shell completion, printed by the program itself.
if(TARGET stapes-program AND NOT CMAKE_CROSSCOMPILING)
  set(bash_file ${CMAKE_BINARY_DIR}/${CMAKE_INSTALL_DATADIR}/bash-completion/completions/stapes)
  set(zsh_file ${CMAKE_BINARY_DIR}/${CMAKE_INSTALL_DATADIR}/zsh/site-functions/_stapes)
  foreach(shell bash zsh)
    get_filename_component(folder ${${shell}_file} DIRECTORY)
    file(MAKE_DIRECTORY ${folder})
    add_custom_command(OUTPUT ${${shell}_file} COMMAND stapes-program completion ${shell} > ${${shell}_file}
      DEPENDS stapes-program VERBATIM)
    install(FILES ${${shell}_file} DESTINATION ${CMAKE_INSTALL_DATADIR}/$<IF:$<STREQUAL:${shell},bash>,bash-completion/completions,zsh/site-functions>)
  endforeach()
  add_custom_target(completion ALL DEPENDS ${bash_file} ${zsh_file})
endif()
