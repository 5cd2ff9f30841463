"""Where the losses were published."""

from __future__ import annotations

from typing import NamedTuple


class Reference(NamedTuple):
    """A publication: a short citation, its authors, title and venue, and its arXiv number where it has one."""

    short: str
    authors: str
    title: str
    venue: str
    arxiv: str = ""


REFERENCES = {
    "oord2018": Reference(
        "van den Oord et al. 2018",
        "Aaron van den Oord, Yazhe Li, Oriol Vinyals",
        "Representation Learning with Contrastive Predictive Coding",
        "arXiv",
        "1807.03748",
    ),
    "ziyin2023": Reference(
        "Ziyin et al. 2023",
        "Liu Ziyin, Ekdeep Singh Lubana, Masahito Ueda, Hidenori Tanaka",
        "What shapes the loss landscape of self-supervised learning?",
        "ICLR 2023",
        "2210.00638",
    ),
    "tian2022": Reference(
        "Tian 2022",
        "Yuandong Tian",
        "Deep contrastive learning is provably (almost) principal component analysis",
        "NeurIPS 2022",
        "2201.12680",
    ),
    "chen2021": Reference(
        "Chen and He 2021",
        "Xinlei Chen, Kaiming He",
        "Exploring Simple Siamese Representation Learning",
        "CVPR 2021",
        "2011.10566",
    ),
    "grill2020": Reference(
        "Grill et al. 2020",
        "Jean-Bastien Grill, Florian Strub, Florent Altché, Corentin Tallec, Pierre H. Richemond, Elena Buchatskaya,"
        " Carl Doersch, Bernardo Avila Pires, Zhaohan Daniel Guo, Mohammad Gheshlaghi Azar, Bilal Piot, Koray"
        " Kavukcuoglu, Rémi Munos, Michal Valko",
        "Bootstrap your own latent: A new approach to self-supervised Learning",
        "NeurIPS 2020",
        "2006.07733",
    ),
    "he2020": Reference(
        "He et al. 2020",
        "Kaiming He, Haoqi Fan, Yuxin Wu, Saining Xie, Ross Girshick",
        "Momentum Contrast for Unsupervised Visual Representation Learning",
        "CVPR 2020",
        "1911.05722",
    ),
    "tian2021": Reference(
        "Tian et al. 2021",
        "Yuandong Tian, Xinlei Chen, Surya Ganguli",
        "Understanding self-supervised Learning Dynamics without Contrastive Pairs",
        "ICML 2021",
        "2102.06810",
    ),
    "yeh2022": Reference(
        "Yeh et al. 2022",
        "Chun-Hsiao Yeh, Cheng-Yao Hong, Yen-Chi Hsu, Tyng-Luh Liu, Yubei Chen, Yann LeCun",
        "Decoupled Contrastive Learning",
        "ECCV 2022",
        "2110.06848",
    ),
    "chen2020": Reference(
        "Chen et al. 2020",
        "Ting Chen, Simon Kornblith, Mohammad Norouzi, Geoffrey Hinton",
        "A Simple Framework for Contrastive Learning of Visual Representations",
        "ICML 2020",
        "2002.05709",
    ),
    "khosla2020": Reference(
        "Khosla et al. 2020",
        "Prannay Khosla, Piotr Teterwak, Chen Wang, Aaron Sarna, Yonglong Tian, Phillip Isola, Aaron Maschinot, Ce Liu,"
        " Dilip Krishnan",
        "Supervised Contrastive Learning",
        "NeurIPS 2020",
        "2004.11362",
    ),
    "haochen2021": Reference(
        "HaoChen et al. 2021",
        "Jeff Z. HaoChen, Colin Wei, Adrien Gaidon, Tengyu Ma",
        "Provable Guarantees for Self-Supervised Deep Learning with Spectral Contrastive Loss",
        "NeurIPS 2021",
        "2106.04156",
    ),
    "zbontar2021": Reference(
        "Zbontar et al. 2021",
        "Jure Zbontar, Li Jing, Ishan Misra, Yann LeCun, Stéphane Deny",
        "Barlow Twins: Self-Supervised Learning via Redundancy Reduction",
        "ICML 2021",
        "2103.03230",
    ),
    "bardes2022": Reference(
        "Bardes et al. 2022",
        "Adrien Bardes, Jean Ponce, Yann LeCun",
        "VICReg: Variance-Invariance-Covariance Regularization for Self-Supervised Learning",
        "ICLR 2022",
        "2105.04906",
    ),
    "wang2020": Reference(
        "Wang and Isola 2020",
        "Tongzhou Wang, Phillip Isola",
        "Understanding Contrastive Representation Learning through Alignment and Uniformity on the Hypersphere",
        "ICML 2020",
        "2005.10242",
    ),
    "radford2021": Reference(
        "Radford et al. 2021",
        "Alec Radford, Jong Wook Kim, Chris Hallacy, Aditya Ramesh, Gabriel Goh, Sandhini Agarwal, Girish Sastry,"
        " Amanda Askell, Pamela Mishkin, Jack Clark, Gretchen Krueger, Ilya Sutskever",
        "Learning Transferable Visual Models From Natural Language Supervision",
        "ICML 2021",
        "2103.00020",
    ),
    "caron2021": Reference(
        "Caron et al. 2021",
        "Mathilde Caron, Hugo Touvron, Ishan Misra, Hervé Jégou, Julien Mairal, Piotr Bojanowski, Armand Joulin",
        "Emerging Properties in Self-Supervised Vision Transformers",
        "ICCV 2021",
        "2104.14294",
    ),
    "zhai2023": Reference(
        "Zhai et al. 2023",
        "Xiaohua Zhai, Basil Mustafa, Alexander Kolesnikov, Lucas Beyer",
        "Sigmoid Loss for Language Image Pre-Training",
        "ICCV 2023",
        "2303.15343",
    ),
}
