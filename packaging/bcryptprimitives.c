// The one function that Go wants of bcryptprimitives.dll, and wine 8 has no such library. For make wine-test only.
#include <windows.h>
BOOLEAN WINAPI SystemFunction036(PVOID to, ULONG count); // RtlGenRandom of advapi32
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE to, SIZE_T count) { return SystemFunction036(to, (ULONG)count); }
