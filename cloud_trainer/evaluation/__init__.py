"""How good a model is: regression, predicted uncertainty, ranking, and how sure one can be of the figure."""
