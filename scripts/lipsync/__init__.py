"""Training of the lip network: speech with known phones, augmentation, the model, its export. Not installed."""
