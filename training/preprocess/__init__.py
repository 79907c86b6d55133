"""The paper's preprocessing: cleaning, folding, augmentation."""
