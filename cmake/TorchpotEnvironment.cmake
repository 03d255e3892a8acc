# Writes env.sh into the build folder, to be sourced, and bin/ with what it puts on the PATH:
# LAMMPS and mpirun as they belong together, torchpot_fit and torchpot_model.
set(TORCHPOT_BIN ${CMAKE_BINARY_DIR}/bin)
file(MAKE_DIRECTORY ${TORCHPOT_BIN})

# LAMMPS may need to be told where its MPI is; a folder that is searched anyway is left out
set(TORCHPOT_LIBRARY_PATH "")
foreach(file ${MPI_CXX_LIBRARIES} ${MPI_mpi_LIBRARY} ${LAMMPS_LIBRARY})
  get_filename_component(folder ${file} DIRECTORY)
  if(folder AND NOT folder IN_LIST CMAKE_CXX_IMPLICIT_LINK_DIRECTORIES)
    list(APPEND TORCHPOT_LIBRARY_PATH ${folder})
  endif()
endforeach()
list(REMOVE_DUPLICATES TORCHPOT_LIBRARY_PATH)
list(JOIN TORCHPOT_LIBRARY_PATH ":" TORCHPOT_LIBRARY_PATH)

# torchpot_script(NAME TEXT...): an executable shell script in bin/
function(torchpot_script name)
  string(JOIN "\n" text "#!/bin/sh" ${ARGN})
  file(WRITE ${CMAKE_BINARY_DIR}/CMakeFiles/bin/${name} "${text}\n")
  file(COPY ${CMAKE_BINARY_DIR}/CMakeFiles/bin/${name} DESTINATION ${TORCHPOT_BIN}
    FILE_PERMISSIONS OWNER_READ OWNER_WRITE OWNER_EXECUTE GROUP_READ GROUP_EXECUTE
    WORLD_READ WORLD_EXECUTE)
endfunction()

if(LAMMPS_EXECUTABLE)
  torchpot_script(lmp
    "LD_LIBRARY_PATH=\"${TORCHPOT_LIBRARY_PATH}\${LD_LIBRARY_PATH:+:\$LD_LIBRARY_PATH}\""
    "export LD_LIBRARY_PATH"
    "exec \"${LAMMPS_EXECUTABLE}\" \"$@\"")
endif()
# a script, not a link: MPICH looks for its other programs beside the name it is called by
foreach(name mpirun mpiexec)
  torchpot_script(${name} "exec \"${MPIEXEC_EXECUTABLE}\" \"$@\"")
endforeach()
foreach(name torchpot_fit torchpot_model)
  file(CREATE_LINK ${CMAKE_BINARY_DIR}/fit/${name} ${TORCHPOT_BIN}/${name} SYMBOLIC)
endforeach()

configure_file(${CMAKE_CURRENT_LIST_DIR}/env.sh.in ${CMAKE_BINARY_DIR}/env.sh @ONLY)
