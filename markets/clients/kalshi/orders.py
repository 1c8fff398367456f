"""The exchange's order endpoint (V2 writes). Only `trading.oms` may import this module; SHADOW never loads it.

It holds nothing yet: until its venue exists, no order can leave the house.
"""
