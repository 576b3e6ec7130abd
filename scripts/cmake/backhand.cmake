# Compiler settings and the two functions that every folder uses: bh_add_library and bh_add_test.
include(GNUInstallDirs)

set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
set(CMAKE_FIND_PACKAGE_PREFER_CONFIG ON)

option(BACKHAND_BENCH "Build the benchmarks" ON)
option(BACKHAND_FUZZ "Build the fuzz targets (clang only)" OFF)
set(BACKHAND_SANITIZE "" CACHE STRING "Sanitizers to build with: address;undefined, or thread")
# Most of a build's time goes into instantiating the same templates for each source again. `tests`: the sources below tests/
# are compiled eight at a time; `all`: the product's too. The release preset compiles each product source alone, so that none
# gets by on what another one includes. Where two sources of one target collide, rename one of the two names.
set(BACKHAND_UNITY off CACHE STRING "Compile sources eight at a time: off, tests or all")
if(BACKHAND_UNITY STREQUAL "all")
  set(CMAKE_UNITY_BUILD ON)
  # g++ takes a source that is included for a header, and warns of private types with members of unnamed namespaces.
  add_compile_options($<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-subobject-linkage>)
endif()

find_package(Threads REQUIRED)
find_package(OpenSSL 3 REQUIRED)
find_package(GTest REQUIRED)
find_package(simdjson REQUIRED)
# simdjson's own assertions and order checks cost half its speed outside Debug. They change the layout of its
# types, so the choice is made here, once for everybody who links it.
set_property(TARGET simdjson::simdjson APPEND PROPERTY INTERFACE_COMPILE_DEFINITIONS
  $<$<NOT:$<CONFIG:Debug>>:NDEBUG> $<$<NOT:$<CONFIG:Debug>>:SIMDJSON_DEVELOPMENT_CHECKS=0>)

find_program(BACKHAND_CCACHE ccache)
if(BACKHAND_CCACHE)
  # Its cache lies in the build tree, so that nothing outside the checkout is written. Depend mode: the compiler's own list
  # of headers is the key, so that a miss does not cost another run of the preprocessor.
  set(_launcher ${CMAKE_COMMAND} -E env CCACHE_DIR=${PROJECT_SOURCE_DIR}/build/ccache CCACHE_DEPEND=1 ${BACKHAND_CCACHE})
  set(CMAKE_CXX_COMPILER_LAUNCHER ${_launcher})
  set(CMAKE_C_COMPILER_LAUNCHER ${_launcher})
endif()
find_program(BACKHAND_MOLD mold)
if(BACKHAND_MOLD)
  add_link_options(-fuse-ld=mold)
endif()

# One interface target that carries the house's flags to our own code only.
add_library(bh_flags INTERFACE)
target_include_directories(bh_flags INTERFACE ${PROJECT_SOURCE_DIR})
target_compile_options(bh_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Werror -fno-omit-frame-pointer)
target_link_libraries(bh_flags INTERFACE Threads::Threads)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # The C++ ABI of hardware_destructive_interference_size is not used across libraries here.
  target_compile_options(bh_flags INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Wno-interference-size>)
endif()
if(CMAKE_CXX_COMPILER_ID STREQUAL "Clang")
  # It tells of deprecated parts that libstdc++ uses within itself; g++ tells of ours.
  target_compile_options(bh_flags INTERFACE $<$<COMPILE_LANGUAGE:CXX>:-Wno-deprecated-declarations>)
endif()
if(BACKHAND_SANITIZE)
  string(REPLACE ";" "," _sanitizers "${BACKHAND_SANITIZE}")
  add_compile_options(-fsanitize=${_sanitizers} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${_sanitizers})
  if("undefined" IN_LIST BACKHAND_SANITIZE)
    # Before a virtual call it reads the object through a pipe, and takes it for damaged where no descriptor is left for
    # one: which is what a test of the admin server makes.
    add_compile_options(-fno-sanitize=vptr)
  endif()
  if("thread" IN_LIST BACKHAND_SANITIZE AND CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
    # moodycamel's queue uses fences, which g++'s ThreadSanitizer does not model; see tests/tsan.supp.
    target_compile_options(bh_flags INTERFACE -Wno-tsan)
  endif()
endif()

# bh_add_library(NAME [SOURCES ...] [LIBS ...]): a static library, or an interface one without sources.
function(bh_add_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LIBS" ${ARGN})
  if(ARG_SOURCES)
    add_library(${name} STATIC ${ARG_SOURCES})
    target_link_libraries(${name} PUBLIC bh_flags ${ARG_LIBS})
  else()
    add_library(${name} INTERFACE)
    target_link_libraries(${name} INTERFACE bh_flags ${ARG_LIBS})
  endif()
endfunction()

# bh_add_program(NAME SOURCES ... [LIBS ...]): an executable in bin/.
function(bh_add_program name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LIBS" ${ARGN})
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE bh_flags ${ARG_LIBS})
endfunction()

# bh_add_test(NAME SOURCES ... [LIBS ...] [LABELS ...] [TIMEOUT seconds]): one GoogleTest program. The label `threads` joins
# it to what the thread sanitizer looks at in CI.
function(bh_add_test name)
  cmake_parse_arguments(ARG "" "TIMEOUT" "SOURCES;LIBS;LABELS" ${ARGN})
  if(NOT ARG_TIMEOUT)
    set(ARG_TIMEOUT 60)
  endif()
  if(NOT ARG_LABELS)
    set(ARG_LABELS unit)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  set_target_properties(${name} PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/tests)
  target_link_libraries(${name} PRIVATE bh_flags ${ARG_LIBS} GTest::gtest GTest::gmock GTest::gtest_main)
  target_compile_definitions(${name} PRIVATE BACKHAND_TEST_DATA="${PROJECT_SOURCE_DIR}/tests/data")
  if(BACKHAND_SANITIZE)
    # A test's own code runs once; instrumented and optimised it takes twice as long to compile. The libraries keep -O1.
    target_compile_options(${name} PRIVATE -O0)
  endif()
  if("threads" IN_LIST ARG_LABELS)
    add_dependencies(tests_with_threads ${name})
  endif()
  add_test(NAME ${name} COMMAND ${name})
  set_tests_properties(${name} PROPERTIES TIMEOUT ${ARG_TIMEOUT} LABELS "${ARG_LABELS}"
    ENVIRONMENT "TSAN_OPTIONS=suppressions=${PROJECT_SOURCE_DIR}/tests/tsan.supp")
endfunction()
