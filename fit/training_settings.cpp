// What the input file says of training and of the network.
#include "trainer.h"

namespace torchpot {

TrainingOptions training_options(const Settings &settings)
{
  TrainingOptions options;
  options.loss.form =
      settings.torchpot.documented_loss ? LossForm::documented : LossForm::fitsnap;
  options.loss.energy_weight = settings.pytorch.energy_weight;
  options.loss.force_weight = settings.pytorch.force_weight;
  options.loss.stress_weight = settings.fits_stress() ? settings.torchpot.stress_weight : 0.0;
  const TorchpotSettings &t = settings.torchpot;
  options.optimizer = t.optimizer;
  options.schedule = t.schedule;
  options.weight_decay = t.weight_decay;
  options.clip = t.clip;
  options.average = t.average;
  options.early_stop = t.early_stop;
  options.learning_rate = settings.pytorch.learning_rate;
  options.num_epochs = settings.pytorch.num_epochs;
  options.batch_size = settings.pytorch.batch_size;
  options.shuffle = settings.pytorch.shuffle;
  options.seed = settings.torchpot.seed;
  // parameters, sums and the optimizer are double in any case; the errors that training ends with
  // are the same, and a step takes two thirds of the time
  options.precision = t.optimizer == OptimizerKind::adam ? Precision::float32
                                                         : Precision::float64;
  options.checkpoint = settings.torchpot.checkpoint;
  options.checkpoint_every = settings.torchpot.checkpoint_every;
  return options;
}

NetworkShape network_shape(const Settings &settings)
{
  NetworkShape shape;
  shape.element_mode = settings.element_mode();
  shape.layer_sizes = settings.pytorch.layer_sizes;
  shape.activations.assign(shape.layer_sizes.size(), settings.torchpot.activation);
  if (!shape.activations.empty()) shape.activations.back() = Activation::linear;
  return shape;
}

}    // namespace torchpot
