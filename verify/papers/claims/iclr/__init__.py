"""The claims of Ziyin, Lubana, Ueda and Tanaka (ICLR 2023), and of their NeurReps abstract, a module a section."""
