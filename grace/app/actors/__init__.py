"""Actors: people, clients and payers who use a Grace from outside, over HTTP alone, as the world does.

`reach` finds or starts the Grace; `company` makes a workspace with its people and their keys; `acts` is what they do
in it; `browser` pays by card at the provider; `calendar` lets many of them act through a workspace's movable time.
The demo and the example business are played by them.
"""
