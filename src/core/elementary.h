/* exp2 and ln in float64 of the project's own, so that every machine gets the same bits: a
 * libm picks other code by CPU. Only +, -, *, /, fma and exact scaling, in a fixed order.
 * Error below 1 ulp (1.5 ulp for results that are subnormal), tested in test_core_elementary. */
#ifndef CORE_ELEMENTARY_H
#define CORE_ELEMENTARY_H

/* 2^x for x <= 0; 0 from -1100 down. NaN stays NaN. */
double lcal__exp2(double x);

/* ln x for finite x > 0 that is not subnormal; infinity stays infinity. */
double lcal__ln(double x);

#endif
