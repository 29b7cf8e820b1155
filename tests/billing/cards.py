"""Rate cards for what corrections have to take back to the letter."""

TIERED = """\
model: text-gen-v3
rates:
  - dimension: input_tokens
    unit: 1 token
    free_per_period: 100
    per_period: graduated
    tiers:
      - up_to: 1000
        price_usd: 0.01
      - price_usd: 0.001
        flat_usd: 5
  - dimension: output_tokens
    unit: 1 token
    price_usd: 0
"""
PACKAGED = """\
model: text-gen-v3
rates:
  - dimension: input_tokens
    unit: 1000 tokens
    price_usd: 2
    per_period: package
  - dimension: output_tokens
    unit: 1 token
    price_usd: 0
"""
MINIMUM = """\
model: text-gen-v3
minimum_usd: 0.5
rates:
  - dimension: input_tokens
    unit: 1000 tokens
    price_usd: 0.003
  - dimension: output_tokens
    unit: 1000 tokens
    price_usd: 0.012
"""
