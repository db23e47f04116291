"""How good the engines are, measured with espeak-ng's own voices."""
