# The build tree looks like the installed package (bin, lib/stapes/plugins, share/stapes), so that
# programs find their plugins, pipelines and models in both by the same rule, and nothing is installed
# to try something.
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
set(CMAKE_LIBRARY_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/${CMAKE_INSTALL_LIBDIR})
set(CMAKE_ARCHIVE_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/${CMAKE_INSTALL_LIBDIR})
set(STAPES_PLUGIN_BUILD_DIR ${CMAKE_BINARY_DIR}/${CMAKE_INSTALL_LIBDIR}/stapes/plugins)
set(STAPES_PLUGIN_INSTALL_DIR ${CMAKE_INSTALL_LIBDIR}/stapes/plugins)
set(STAPES_DATA_INSTALL_DIR ${CMAKE_INSTALL_DATADIR}/stapes)
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/${STAPES_DATA_INSTALL_DIR})
foreach(folder pipelines models)
  file(CREATE_LINK ${CMAKE_SOURCE_DIR}/${folder} ${CMAKE_BINARY_DIR}/${STAPES_DATA_INSTALL_DIR}/${folder} SYMBOLIC)
endforeach()

# stapes_add_plugin(FAMILY source... [LIBRARIES library...]): FAMILY.so in the plugins' folder.
function(stapes_add_plugin family)
  cmake_parse_arguments(PARSE_ARGV 1 plugin "" "" "LIBRARIES")
  add_library(plugin-${family} MODULE ${plugin_UNPARSED_ARGUMENTS})
  target_include_directories(plugin-${family} PRIVATE ${CMAKE_SOURCE_DIR}/core/include)
  target_link_libraries(plugin-${family} PRIVATE ${plugin_LIBRARIES} m)
  set_target_properties(plugin-${family} PROPERTIES
    PREFIX "" OUTPUT_NAME ${family} LIBRARY_OUTPUT_DIRECTORY ${STAPES_PLUGIN_BUILD_DIR}
    INSTALL_RPATH "$ORIGIN/../..")
  set_property(GLOBAL APPEND PROPERTY STAPES_PLUGINS plugin-${family})
  install(TARGETS plugin-${family} LIBRARY DESTINATION ${STAPES_PLUGIN_INSTALL_DIR})
endfunction()
