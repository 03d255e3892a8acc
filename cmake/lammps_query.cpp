// Asks a LAMMPS library, while CMake configures, what its headers do not say.
#include <cstdio>

extern "C" {
void *lammps_open_no_mpi(int, char **, void **);
int lammps_version(void *);
int lammps_extract_setting(void *, const char *);
int lammps_config_has_mpi_support();
int lammps_config_has_package(const char *);
}

int main()
{
  const char *args[] = {"lmp", "-log", "none", "-screen", "none", "-nocite"};
  void *lmp = lammps_open_no_mpi(6, (char **) args, nullptr);
  std::printf("version=%d tagint=%d bigint=%d mpi=%d plugin=%d\n", lammps_version(lmp),
              lammps_extract_setting(lmp, "tagint"), lammps_extract_setting(lmp, "bigint"),
              lammps_config_has_mpi_support() ? 1 : 0,
              lammps_config_has_package("PLUGIN") ? 1 : 0);
}
