"""What an event code means, how its scheme orders it, how datasets weigh it, and what it becomes in another scheme.

seed/codes/cameo.yaml      codes, labels, definitions, quad classes    ┐
seed/codes/goldstein.yaml  weights by dataset                          │
seed/codes/plover.yaml     types, modes, contexts                      ├→ load(folder) → Codes
seed/codes/crosswalk.yaml  CAMEO → PLOVER, with what is lost           ┘
"""

from app.codes.reading import load
from app.codes.values import Code, Codes, Crossing, Weight

__all__ = ["Code", "Codes", "Crossing", "Weight", "load"]
