# Third-party libraries, as installed ones or under CMAKE_PREFIX_PATH. doc/build.md says why each.
find_package(nlohmann_json 3.10 REQUIRED)
find_package(CLI11 2.1 REQUIRED)

# Highway: SIMD with dispatch at run time
find_path(HWY_INCLUDE_DIR hwy/highway.h)
find_library(HWY_LIBRARY hwy)
# HDF5, C interface; Debian keeps its serial build in subfolders
find_path(HDF5_INCLUDE_DIR hdf5.h HINTS ${HDF5_ROOT} PATH_SUFFIXES include hdf5/serial)
find_library(HDF5_LIBRARY NAMES hdf5 hdf5_serial HINTS ${HDF5_ROOT} PATH_SUFFIXES lib hdf5/serial)
# OpenSSL's libcrypto: SHA-256
find_path(CRYPTO_INCLUDE_DIR openssl/evp.h)
find_library(CRYPTO_LIBRARY crypto)
# xxHash: checksums of large files; its functions are inlined
find_path(XXHASH_INCLUDE_DIR xxhash.h)
if(NOT XXHASH_INCLUDE_DIR)
  message(FATAL_ERROR "xxHash is missing. On Debian: apt-get install libxxhash-dev; or set "
    "XXHASH_INCLUDE_DIR")
endif()
mark_as_advanced(XXHASH_INCLUDE_DIR)
add_library(torchpot::xxhash INTERFACE IMPORTED)
set_target_properties(torchpot::xxhash PROPERTIES
  INTERFACE_INCLUDE_DIRECTORIES ${XXHASH_INCLUDE_DIR})

# Eigen: QR and singular values of the linear solvers
find_path(EIGEN_INCLUDE_DIR Eigen/Core PATH_SUFFIXES include/eigen3 eigen3)
if(NOT EIGEN_INCLUDE_DIR)
  message(FATAL_ERROR "Eigen is missing. On Debian: apt-get install libeigen3-dev; or set "
    "EIGEN_INCLUDE_DIR")
endif()
mark_as_advanced(EIGEN_INCLUDE_DIR)
add_library(torchpot::eigen INTERFACE IMPORTED)
target_include_directories(torchpot::eigen SYSTEM INTERFACE ${EIGEN_INCLUDE_DIR})

foreach(library HWY HDF5 CRYPTO)
  if(NOT ${library}_INCLUDE_DIR OR NOT ${library}_LIBRARY)
    message(FATAL_ERROR "${library} is missing. On Debian: apt-get install libhwy-dev "
      "libhdf5-dev libssl-dev nlohmann-json3-dev libcli11-dev libgtest-dev; or set "
      "${library}_INCLUDE_DIR and ${library}_LIBRARY")
  endif()
  mark_as_advanced(${library}_INCLUDE_DIR ${library}_LIBRARY)
  string(TOLOWER ${library} target)
  # the file behind the link, whose folder is the one that has to be searched at run time
  get_filename_component(file ${${library}_LIBRARY} REALPATH)
  add_library(torchpot::${target} UNKNOWN IMPORTED)
  set_target_properties(torchpot::${target} PROPERTIES
    IMPORTED_LOCATION ${file}
    INTERFACE_INCLUDE_DIRECTORIES "${${library}_INCLUDE_DIR}")
endforeach()
# OpenSSL's opensslconf.h is in Debian's folder for one architecture
set(folder ${CRYPTO_INCLUDE_DIR}/${CMAKE_LIBRARY_ARCHITECTURE})
if(CMAKE_LIBRARY_ARCHITECTURE AND EXISTS ${folder}/openssl)
  set_property(TARGET torchpot::crypto APPEND PROPERTY INTERFACE_INCLUDE_DIRECTORIES ${folder})
endif()

find_package(Torch REQUIRED)
separate_arguments(TORCHPOT_TORCH_FLAGS UNIX_COMMAND "${TORCH_CXX_FLAGS}")
