"""The seed's rate card, as it is written there."""

SEED = """\
model: text-gen-v3
rates:
  - dimension: input_tokens
    unit: 1000 tokens
    price_usd: 0.003
  - dimension: output_tokens
    unit: 1000 tokens
    price_usd: 0.012
  - dimension: context_window
    tiers:
      - max_tokens: 8192
        multiplier: 1.0
      - max_tokens: 32768
        multiplier: 1.8
      - max_tokens: 131072
        multiplier: 3.2
"""
