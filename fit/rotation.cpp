// Turning cells, vectors and tensors into LAMMPS's triangular frame and back.
#include "reference.h"

#include <cmath>

namespace torchpot {

namespace {

double dot(const double *a, const double *b)
{
  return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

void cross(const double *a, const double *b, double *c)
{
  c[0] = a[1] * b[2] - a[2] * b[1];
  c[1] = a[2] * b[0] - a[0] * b[2];
  c[2] = a[0] * b[1] - a[1] * b[0];
}

void normalize(double *a)
{
  const double length = std::sqrt(dot(a, a));
  for (int c = 0; c < 3; c++) a[c] /= length;
}

}    // namespace

TriangularCell triangular_cell(const double cell[3][3])
{
  TriangularCell t;
  double(&r)[3][3] = t.rotation;
  for (int c = 0; c < 3; c++) r[0][c] = cell[0][c];
  normalize(r[0]);
  cross(cell[0], cell[1], r[2]);
  normalize(r[2]);
  cross(r[2], r[0], r[1]);
  if (dot(cell[2], r[2]) < 0.0)    // left-handed: mirrored, which no energy notices
    for (int c = 0; c < 3; c++) r[2][c] = -r[2][c];
  for (int i = 0; i < 3; i++)
    for (int j = 0; j < 3; j++) t.box[i][j] = j <= i ? dot(r[j], cell[i]) : 0.0;
  return t;
}

void rotate(const double rotation[3][3], const double *in, double *out)
{
  const double x[3] = {in[0], in[1], in[2]};
  for (int i = 0; i < 3; i++) out[i] = dot(rotation[i], x);
}

void rotate_back(const double rotation[3][3], const double *in, double *out)
{
  const double x[3] = {in[0], in[1], in[2]};
  for (int i = 0; i < 3; i++)
    out[i] = rotation[0][i] * x[0] + rotation[1][i] * x[1] + rotation[2][i] * x[2];
}

void rotate_stress_back(const double rotation[3][3], const double *in, double *out)
{
  const double s[3][3] = {{in[0], in[3], in[4]}, {in[3], in[1], in[5]}, {in[4], in[5], in[2]}};
  double t[3][3];
  for (int i = 0; i < 3; i++)
    for (int j = 0; j < 3; j++) {
      t[i][j] = 0.0;
      for (int k = 0; k < 3; k++)
        for (int l = 0; l < 3; l++) t[i][j] += rotation[k][i] * s[k][l] * rotation[l][j];
    }
  const double six[6] = {t[0][0], t[1][1], t[2][2], t[0][1], t[0][2], t[1][2]};
  for (int v = 0; v < 6; v++) out[v] = six[v];
}

}    // namespace torchpot
