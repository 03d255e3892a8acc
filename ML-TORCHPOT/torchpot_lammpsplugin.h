// C interface between LAMMPS's PLUGIN package and a plugin: LAMMPS does not install its own header.
#ifndef TORCHPOT_LAMMPSPLUGIN_H
#define TORCHPOT_LAMMPSPLUGIN_H

extern "C" {

typedef void *(*torchpot_plugin_create_pair)(void *lammps);
typedef void *(*torchpot_plugin_create_fix)(void *lammps, int narg, char **arg);

/// Layout as LAMMPS's lammpsplugin_t.
typedef struct {
  const char *version;    // of LAMMPS, to warn where it differs
  const char *style;      // "pair", "fix"
  const char *name;
  const char *info;
  const char *author;
  union {
    torchpot_plugin_create_pair pair;
    torchpot_plugin_create_fix fix;
  } creator;
  void *handle;    // of the loaded file
} torchpot_plugin;

typedef void (*torchpot_plugin_register)(torchpot_plugin *plugin, void *lammps);

/// Called by LAMMPS when it loads the plugin.
__attribute__((visibility("default"))) void lammpsplugin_init(void *lammps, void *handle,
                                                              void *register_function);
}

#endif
