"""The paper's sequence networks (TCN, GRU, LSTM) and the published weights."""
