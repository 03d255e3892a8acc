// Breaks the direction of dependencies on purpose, for the test of the check.
#include "pair.h"
#include <mpi.h>
#include <vector>
