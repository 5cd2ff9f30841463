* InfoNCE of Gaussian data in any dimension, through order 2*HALF in W, without quartic: a peer for bench/derivation.py.
*
*     form -D HALF=2 -D ROUNDS=1 bench/infonce.frm
*
* L(W) = E_x[|W(x - x')|^2/2] + E_x log E_chi exp(-|W(x - chi)|^2/2). In whitened data, x of covariance 1 and
* S = Sigma^(1/2) W^T W Sigma^(1/2), the exponent is -Q with Q = S(x - chi, x - chi)/2. The logarithm is the series of the
* cumulants k_n of -Q over chi, by the recursion in the moments m_n, and order 2n in W is the mean of k_n/n! over x.
* Means are sums over all pairings, which FORM has as dd_. tr(n) is Tr[(W Sigma W^T)^n] and a is Tr[W A0 W^T]; the first
* mean, Tr[W (Sigma - A0) W^T], is written down.
*
* The derivation is repeated ROUNDS times, so that the start of the program does not count.
#-
Off Statistics;
Off FinalStats;
#ifndef `HALF'
#define HALF "2"
#endif
#ifndef `ROUNDS'
#define ROUNDS "1"
#endif
Vectors x, chi;
Indices i1, i2, i3;
CTensors S(symmetric), T;
#do k=1,{2*`HALF'}
CTensor Q`k'(symmetric);
#enddo
CFunctions chain, open, tr, q, even;
Symbols n, m, a;

#procedure traces
* Products of chains whose ends meet become traces.
repeat;
id chain(n?,i1?,i1?) = tr(n);
id chain(n?,i1?,i2?)*chain(m?,i2?,i3?) = chain(n+m,i1,i3);
id chain(n?,i1?,i2?)*chain(m?,i3?,i2?) = chain(n+m,i1,i3);
id chain(n?,i2?,i1?)*chain(m?,i2?,i3?) = chain(n+m,i1,i3);
endrepeat;
#endprocedure

#do round=1,`ROUNDS'
#do n=1,`HALF'
L m`n' = (-S(x,x)/2+S(x,chi)-S(chi,chi)/2)^`n';
#enddo
ToTensor,chi,T;
id T(?a) = even(nargs_(?a))*dd_(?a);
id even(n?odd_) = 0;
id even(n?) = 1;
id S(x,x) = q(1);
id S(x,i1?) = open(1,i1);
repeat;
id open(n?,i1?)*S(i1?,i2?) = open(n+1,i2);
id open(n?,i1?)*open(m?,i1?) = q(n+m);
endrepeat;
id S(i1?,i2?) = chain(1,i1,i2);
#call traces
.sort
#do n=1,`HALF'
L k`n' = m`n'
#do j=1,{`n'-1}
 - binom_({`n'-1},{`j'-1})*k`j'*m{`n'-`j'}
#enddo
;
.sort
#enddo
#do n=1,`HALF'
Drop m`n';
#enddo
#do n=1,`HALF'
L o`n' = k`n'/fac_(`n')
#if `n' == 1
 + tr(1) - a
#endif
;
#enddo
.sort
#do n=1,`HALF'
Drop k`n';
#enddo
#do k=1,{2*`HALF'}
id q(`k') = Q`k'(x,x);
#enddo
ToTensor,x,T;
id T(?a) = even(nargs_(?a))*dd_(?a);
id even(n?odd_) = 0;
id even(n?) = 1;
#do k=1,{2*`HALF'}
id Q`k'(i1?,i2?) = chain(`k',i1,i2);
#enddo
#call traces
.sort
#if `round' < `ROUNDS'
Drop;
.sort
#endif
#enddo
Print +s;
.end
