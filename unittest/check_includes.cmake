# Checks the direction of dependencies, fit -> core <- glue, by what the sources include:
#   core (torchpot_*)         the standard library, Highway, nlohmann json, its own headers
#   torchpot_model_file.cpp, torchpot_archive.cpp: also libtorch and OpenSSL
#   torchpot_hdf5.h           also HDF5
#   glue (all other files)    LAMMPS, MPI, the core; not libtorch, HDF5 and OpenSSL
#   fit                       anything but the glue; libtorch in torch_data and torch_loss alone
# usage: cmake -D SOURCE=top of the sources [-D FILE=one more core file] -P check_includes.cmake

cmake_policy(VERSION 3.20)
set(torch "<(torch|ATen|c10|caffe2)/.*")
set(hdf5 "<(hdf5|H5[A-Za-z]*)\\.h>")
set(openssl "<openssl/.*")
set(wrong FALSE)
set(outside "<(mpi|omp)\\.h>|<(Kokkos|lammps|CLI).*")

# torchpot_forbid(FILE REGEX OWN_ONLY): no include may match REGEX; with OWN_ONLY those in quotes
# must be headers of the core or Highway's
function(torchpot_forbid file regex own_only)
  get_filename_component(name ${file} NAME)
  file(STRINGS ${file} lines REGEX "^[ \t]*#[ \t]*include")
  foreach(line ${lines})
    string(REGEX REPLACE "^[ \t]*#[ \t]*include[ \t]*([<\"][^>\"]*[>\"]).*" "\\1" header "${line}")
    set(bad FALSE)
    if(header MATCHES "^(${regex})$")
      set(bad TRUE)
    elseif(own_only AND header MATCHES "^\"(.*)\"$")
      if(NOT CMAKE_MATCH_1 MATCHES "^(torchpot_[a-z0-9_]+(-inl)?\\.h|hwy/.*)$")
        set(bad TRUE)
      endif()
    endif()
    if(bad)
      message(NOTICE "${name} includes ${header}, which its layer must not know")
      set(wrong TRUE PARENT_SCOPE)
    endif()
  endforeach()
endfunction()

file(GLOB core ${SOURCE}/ML-TORCHPOT/torchpot_*.h ${SOURCE}/ML-TORCHPOT/torchpot_*.cpp)
foreach(file ${core} ${FILE})
  get_filename_component(name ${file} NAME)
  if(name MATCHES "^torchpot_(model_file|archive).cpp$")
    torchpot_forbid(${file} "${hdf5}|${outside}" TRUE)
  elseif(name STREQUAL "torchpot_hdf5.h")
    torchpot_forbid(${file} "${torch}|${openssl}|${outside}" TRUE)
  else()
    torchpot_forbid(${file} "${torch}|${openssl}|${hdf5}|${outside}" TRUE)
  endif()
endforeach()

file(GLOB glue ${SOURCE}/ML-TORCHPOT/*.h ${SOURCE}/ML-TORCHPOT/*.cpp)
list(REMOVE_ITEM glue ${core})
foreach(file ${glue})
  torchpot_forbid(${file} "${torch}|${hdf5}|${openssl}" FALSE)
endforeach()

file(GLOB fit ${SOURCE}/fit/*.h ${SOURCE}/fit/*.cpp)
foreach(file ${fit})
  torchpot_forbid(${file} "\"(pair|fix)_[a-z_]+\\.h\"" FALSE)
  if(NOT file MATCHES "/torch_(data|loss)\\.(h|cpp)$")
    torchpot_forbid(${file} "${torch}" FALSE)
  endif()
endforeach()

if(wrong)
  message(FATAL_ERROR "Wrong direction of dependencies, see unittest/check_includes.cmake")
endif()
