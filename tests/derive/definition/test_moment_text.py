"""The text of a moment: what it says, and where it cannot be read."""

import pytest

from derive import InputError
from derive.definition.moment_text import read_moment
from derive.definition.notation import TEXT
from derive.definition.tokens import PlaceError
from derive.definition.written import definition

# Texts that say the same, and what they say.
SAME = {
    "E[Var[|f(x)−f(χ)|² | x]]": (
        "E(Var(|f(x) - f(chi)|^2 | x))",
        "E[Var[|f(x)−f(χ)|² | x]]",
        "E(Var(||f(x) - f(chi)||^2 | x))",
        r"\mathbb{E}[\operatorname{Var}(\|f(x) - f(\chi)\|^2 \mid x)]",
        r"$\mathbb E\left[\mathrm{Var}\left(\left\lVert f(x) - f(\chi) \right\rVert^{2} \,\middle|\, x\right)\right]$",
    ),
    "Cov[⟨f(x), f(χ)⟩², ⟨f(x), f(x′)⟩ | x, x′]": (
        "Cov(<f(x), f(chi)>^2, <f(x), f(x_pos)> | x, x_pos)",
        "Cov(⟨f(x), f(χ)⟩², ⟨f(x), f(x′)⟩ | x, x′)",
        r"\operatorname{Cov}(\langle f(x), f(\chi)\rangle^2, f(x)^\top f(x') \mid x, x')",
    ),
    "E[f(x)_i f(x)_j]": ("E(f(x)_i f(x)_j)", "E(f_i(x) f_j(x))", r"\mathbb{E}[f(x)_{i} f(x)_{j}]"),
    "Cum[⟨f(x), f(x)⟩, 3]": ("Cum(|f(x)|^2, 3)", "Cum(<f(x),f(x)>, <f(x),f(x)>, <f(x),f(x)>)"),
    "½ E[⟨f(x), f(x)⟩]": ("1/2 E(|f(x)|^2)", "½E(|f(x)|²)", r"\frac{1}{2} E(\|f(x)\|^2)", "0.5 E(|f(x)|^2)"),
    "E[⟨f(x), g(x_text)⟩]": ("E(<f(x), g(x_text)>)",),
    "E[Tr[1/(n) Σ_u^(n) [f(u) f(u)ᵀ] 1/(n) Σ_u^(n) [f(u) f(u)ᵀ]]]": (
        "E(Tr[Mean(f(u) f(u)^T, u, n)^2])",
        "E(Tr[Mean(f(u) f(u)ᵀ, u, n) Mean(f(u) f(u)^T, u, n)])",
    ),
}


@pytest.mark.parametrize(("said", "texts"), SAME.items(), ids=list(SAME))
def test_texts_that_say_the_same(said, texts):
    for text in texts:
        assert definition(read_moment(text), TEXT) == said, text


BESIDE = (
    "x_pos is another view of the datum that x shows: given x alone it is neither held nor independent; give both,"
    " | x, x_pos, or neither"
)
NEGATIVE = (
    "x_neg would be a view of the datum x, like x itself, as views pair by what stands before the first underscore;"
    " call a view of another datum chi or neg"
)
# What is wrong, and the number of characters before the caret.
WRONG = {
    "": ("the text of a moment is empty; write for instance Var(|f(x) - f(chi)|^2)", None),
    "Var(|f(x)|^2": ("')' is missing here", 12),
    "E(<f(x)>)": ("an inner product is of two vectors, <f(x), f(chi)>", 7),
    "E(|f(x)|^3)": ("a norm has an even power, as in |f(x)|^2", 9),
    "E(f(x))": (
        "this is a vector or a matrix, and a number is needed: <f(x), f(y)>, |f(x)|^2, f(x)_i or Tr[…]", 2
    ),
    "E(|f(x)|^2) |f(x)|^2": (
        "f(x) stands outside of E(…), Var(…), Cov(…) and Cum(…), and is not given in one", 13
    ),
    "3 N": ("nothing is averaged here; write E(…), Var(…), Cov(…, …) or Cum(…, k)", 0),
    "E(exp(|f(x)|^2))": ("a moment is of polynomials, and exp is none; a loss may hold it", 2),
    "E(sin(x))": ("a moment is of polynomials, and sin is none; a loss may hold it", 2),
    "Cov(|f(x)|^2)": ("Cov takes 2 arguments, not 1", 0),
    "Var(|f(x)|^2, |f(x)|^2)": ("Var takes 1 argument, not 2", 0),
    "Cum(|f(x)|^2, 300)": ("cumulants are of order 1 to 10, not 300", 0),
    "Cum(|f(x)|^2, 1/2)": ("the order of a cumulant is a whole number from 1 on, as in Cum(|f(x)|^2, 3)", 0),
    "E(<f(x), f(x_pos)> | x)": (
        BESIDE, 0
    ),
    "E(|f(x)|^2 | chi)": ("chi is given and does not occur before the bar; leave it out", 0),
    "E(|f(x)|^2 | )": ("the name of a view is needed here, as in f(x), f(x_pos) and E(… | x)", 13),
    "E(|W|^2)": (
        "W belongs to the result; what is averaged is written with f: <f(x), f(chi)>, |f(x)|^2, f(x)_i", 3
    ),
    "E(h(x))": ("h is not known as a function here; f(x) is, and E, Var, Cov, Cum, Mean, Tr", 2),
    "E(f(x)_a)": ("a coordinate is a letter from i to p, as in f(x)_i", 7),
    "E(|f(x)|^2/|f(x)|^2)": ("a moment is divided by numbers and parameters alone", 10),
    "E(|f(x)|^2)/0": ("this divides by zero", 11),
    "E(1/2N |f(x)|^2)": ("/2N can be read in two ways; put brackets around what is divided by", 3),
    "E(f(x) + 1)": ("on the two sides of this sign stand things of two kinds: numbers, vectors, matrices", 7),
    "E(f(x) f(chi))": (
        "these two are not multiplied: an inner product is written <f(x), f(y)>, a matrix f(x) f(y)^T", 7
    ),
    "E(|f(x)|^2) 3 4": ("3 4 can be one number or a product; write \\cdot between factors", 14),
    "E(|f(x)|^2)^(-1)": ("what depends on f has whole powers from 1 to 20", 11),
    "E(<f(x), f(chi)>^99)": ("what depends on f has whole powers from 1 to 20", 16),
    "E(|f(x)|^2 $)": ("'$' means nothing in a formula; leave it out", 11),
    "Mean(|f(u)|^2, u, n)": (
        "a mean over draws is random; put it into E(…), Var(…), Cov(…, …) or Cum(…, k)", 0
    ),
    "E(Mean(|f(u)|^2, u, 0))": ("the number of draws is a whole number from 1 on", 20),
    "E(Mean(|f(u)|^2, w, n))": ("w is drawn and does not occur in what is averaged", 2),
    "E(<f(x), g(x)>)": (
        "x is seen through f and through g; views of one datum have names of their own, x and x_text", 9
    ),
    "E(<f(x), f(x_neg)>)": (
        NEGATIVE, 0
    ),
    "E(Tr[|f(x)|^2])": ("a trace is of a matrix, as in Tr[Mean(f(u) f(u)^T, u, n)^2]", 2),
    "E|f(x)|^2": ("after E brackets are needed, E(…)", 1),
    "E(|f(x)|^2) extra )": ("')' cannot stand here; the formula was complete before it", 18),
}  # fmt: skip


@pytest.mark.parametrize(("text", "said"), WRONG.items(), ids=list(WRONG))
def test_a_text_that_cannot_be_read_says_why_and_where(text, said):
    message, place = said
    with pytest.raises(InputError) as raised:
        read_moment(text)
    first, *rest = str(raised.value).split("\n")
    assert first == message
    if place is None:
        assert not rest
    else:
        assert isinstance(raised.value, PlaceError)
        assert raised.value.start == place, (raised.value.start, str(raised.value))


def test_text_is_never_evaluated():
    for text in ("__import__('os').system('true')", "E(().__class__)", "E(lambda: 1)"):
        with pytest.raises(InputError):
            read_moment(text)
